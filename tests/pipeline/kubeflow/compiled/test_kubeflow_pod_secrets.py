"""Which secrets the pods have to get for the keys of signatures and the addresses of alerts."""

import pytest
from refusals import input_error

from pipeline.kubeflow import checks


def refusal(settings):
    return input_error(checks.require_compilable, settings)


KEY = "push.signing_key=/secrets/key.pem"


@pytest.mark.parametrize(
    "assignment",
    [
        'kubeflow.pod.secret_files={"/secrets"="signing-key"}',
        'kubeflow.pod.stages.Pusher.secret_files={"/secrets"="signing-key"}',
    ],
)
def test_a_signing_key_from_a_secret_compiles(settings, assignment):
    checks.require_compilable(settings(KEY, assignment))


@pytest.mark.parametrize(
    ("assignments", "folder"),
    [
        ([KEY], "/secrets"),
        ([KEY, 'kubeflow.pod.secret_files={"/others"="signing-key"}'], "/secrets"),
        ([KEY, 'kubeflow.pod.stages.Trainer.secret_files={"/secrets"="signing-key"}'], "/secrets"),
        ([KEY, 'kubeflow.volumes={"/secrets"="a-claim"}'], "/secrets"),
        (["push.signing_key=/a/b/key.pem", 'kubeflow.pod.secret_files={"/a"="signing-key"}'], "/a/b"),
        (["push.signing_key=/key.pem"], "/secrets"),
    ],
)
def test_a_signing_key_that_no_secret_brings_is_refused(settings, assignments, folder):
    path = assignments[0].partition("=")[2]
    assert refusal(settings(*assignments)) == (
        f"push.signing_key = {path!r}: no secret brings this file into the pod of the Pusher. Name the "
        "secret whose keys are the files in its folder: --set "
        f'\'kubeflow.pod.stages.Pusher.secret_files={{"{folder}" = "SECRET"}}\'.'
    )


PUBLIC = "push.public_key=/secrets/public.pem"
OF_THE_PUSHER = 'kubeflow.pod.stages.Pusher.secret_files={"/secrets"="keys"}'
OF_PRODUCTION_MODEL = 'kubeflow.pod.stages.ProductionModel.secret_files={"/secrets"="keys"}'
OF_LIVE_MODEL = 'kubeflow.pod.stages.LiveModel.secret_files={"/secrets"="keys"}'
WARM = "trainer.warm_start=live"


@pytest.mark.parametrize(
    "assignments",
    [
        ['kubeflow.pod.secret_files={"/secrets"="public-key"}', WARM],
        [OF_THE_PUSHER, OF_PRODUCTION_MODEL],
        [OF_THE_PUSHER, OF_PRODUCTION_MODEL, OF_LIVE_MODEL, WARM],
        ['kubeflow.volumes={"/secrets"="a-claim"}'],
        ["push.public_key=/app/public.pem", KEY, OF_THE_PUSHER],
        [
            KEY,
            OF_THE_PUSHER,
            "push.public_key=/public-key/public.pem",
            'kubeflow.pod.secret_files={"/public-key"="public-key"}',
        ],
    ],
)
def test_a_public_key_that_every_pod_that_reads_it_has_compiles(settings, assignments):
    checks.require_compilable(settings(PUBLIC, *assignments))


@pytest.mark.parametrize(
    ("assignments", "missing"),
    [
        ([OF_THE_PUSHER], "ProductionModel; Pusher, ProductionModel each"),
        ([OF_THE_PUSHER, WARM], "ProductionModel and LiveModel; Pusher, ProductionModel, LiveModel each"),
        ([OF_THE_PUSHER, OF_PRODUCTION_MODEL, WARM], "LiveModel; Pusher, ProductionModel, LiveModel each"),
        ([OF_PRODUCTION_MODEL], "Pusher; Pusher, ProductionModel each"),
    ],
)
def test_a_public_key_that_a_secret_brings_into_some_pods_only_is_refused(settings, assignments, missing):
    assert refusal(settings(PUBLIC, *assignments)) == (
        "push.public_key = '/secrets/public.pem': no secret brings this file into the pod of "
        f"{missing} check signatures with it. Give every pod a secret with the public key alone: --set "
        '\'kubeflow.pod.secret_files={"/secrets" = "SECRET"}\'.'
    )


def test_the_other_stages_are_not_to_get_the_private_key_with_the_public_one(settings):
    assert refusal(settings(PUBLIC, KEY, OF_THE_PUSHER)).endswith(
        "Give every pod a secret with the public key alone: --set push.public_key=/public-key/public.pem "
        '--set \'kubeflow.pod.secret_files={"/public-key" = "SECRET"}\'.'
    )


FROM_VARIABLE = "alerts.webhook=env:ALERTS_URL"
FROM_FILE = "alerts.slack=file:/secrets/slack"


@pytest.mark.parametrize(
    "assignments",
    [
        [FROM_VARIABLE, 'kubeflow.pod.secret_env={"ALERTS_URL"="alerts/url"}'],
        [FROM_FILE, 'kubeflow.pod.secret_files={"/secrets"="alerts"}'],
        ['alerts.command=["page-me"]'],
    ],
)
def test_receivers_of_alerts_from_secrets_compile(settings, assignments):
    checks.require_compilable(settings("kubeflow.alerts=true", *assignments))


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        ([], "kubeflow.alerts = true: there is no receiver. Set alerts.webhook, alerts.slack or"),
        (
            ["alerts.webhook=https://hooks.example/T0PS3CRET"],
            "alerts.webhook: the address is written out, and would be readable in the compiled file.",
        ),
        (
            [FROM_VARIABLE],
            "alerts.webhook = 'env:ALERTS_URL': no secret brings this variable into the pod that sends "
            'alerts. Name it: --set \'kubeflow.pod.secret_env={"ALERTS_URL" = "SECRET/KEY"}\'.',
        ),
        (
            [FROM_VARIABLE, 'kubeflow.pod.stages.Pusher.secret_env={"ALERTS_URL"="alerts/url"}'],
            "alerts.webhook = 'env:ALERTS_URL': no secret brings this variable into the pod",
        ),
        ([FROM_FILE], "alerts.slack = 'file:/secrets/slack': no secret brings this file into the pod"),
    ],
)
def test_receivers_that_the_pod_would_not_have_are_refused(settings, assignments, message):
    found = refusal(settings("kubeflow.alerts=true", *assignments))
    assert found.startswith(message)
    assert "T0PS3CRET" not in found


def test_without_an_exit_handler_nothing_is_asked_of_the_receivers(settings):
    checks.require_compilable(settings(FROM_VARIABLE, FROM_FILE))

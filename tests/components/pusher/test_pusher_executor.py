"""The Pusher's executor on artifacts in memory: what it asks for, what it pushes, what it tells."""

import dataclasses
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components import fitted_splits, threshold
from components.errors import GreenlightError, InputError
from components.fingerprints import code_fingerprint
from components.pusher.executor import Executor
from components.pusher.facts import MODEL_CODE
from components.pusher.settings import PushSettings
from serving.store.manifest import REVIEWS_NAME
from serving.store.signing import KeyVerifier
from serving.versions import VersionStore


@pytest.fixture
def push(tmp_path, root):
    """Call the executor with these inputs; returns the PushedModel artifact."""
    calls = []

    def run(settings=None, run_id="20261122-101112.131415", **inputs):
        calls.append(inputs)
        pushed = standard_artifacts.PushedModel()
        pushed.uri = str(tmp_path / "pushed" / str(len(calls)))
        destination = pusher_pb2.PushDestination(filesystem={"base_directory": str(root)})
        properties = {
            "push_destination": proto_utils.proto_to_json(destination),
            "settings": (settings or PushSettings()).model_dump_json(),
        }
        executor = Executor(BaseExecutor.Context(pipeline_run_id=run_id))
        given = {key: [artifact] for key, artifact in inputs.items()}
        executor.Do(given, {"pushed_model": [pushed]}, properties)
        return pushed

    return run


def told(pushed):
    keys = ("outcome", "reason", "pushed_version", "pushed_destination")
    return tuple(pushed.get_string_custom_property(key) for key in keys)


def test_blessed_model_becomes_a_version(push, make_trained, make_blessing, root):
    pushed = push(
        model=make_trained("a"),
        model_blessing=make_blessing(True),
        infra_blessing=make_blessing(True, infra=True),
    )
    assert told(pushed) == ("pushed", "version 1 is live", "1", str(root / "1"))
    assert pushed.get_int_custom_property("pushed") == 1
    store = VersionStore(root)
    assert store.verify(1) == []
    assert pushed.get_string_custom_property("model_digest") == store.live().digest
    assert sorted(os.listdir(pushed.uri)) == ["saved_model.pb", "variables"]


@pytest.mark.parametrize(("gate", "canaries"), [(False, True), (True, False), (False, False)])
def test_model_without_both_blessings_is_not_pushed(push, make_trained, make_blessing, root, gate, canaries):
    pushed = push(
        model=make_trained("a"),
        model_blessing=make_blessing(gate),
        infra_blessing=make_blessing(canaries, infra=True),
    )
    assert told(pushed)[:2] == ("refused", "the model was not blessed")
    assert pushed.get_int_custom_property("pushed") == 0
    assert not root.exists()
    assert not Path(pushed.uri).exists()


def test_of_a_refused_model_its_content_and_its_manifest_are_told(
    push, make_trained, make_blessing, evaluation, root
):
    model = make_trained("a")
    refused = push(model=model, model_blessing=make_blessing(False), evaluation=evaluation)
    push(model=model, evaluation=evaluation)
    live = VersionStore(root).live()
    assert refused.get_string_custom_property("model_digest") == live.digest
    told_facts = json.loads(refused.get_string_custom_property("facts"))
    assert told_facts == json.loads(json.dumps(dataclasses.asdict(live.manifest.facts)))


def test_one_blessing_is_enough_where_there_is_but_one(push, make_trained, make_blessing):
    assert told(push(model=make_trained("a"), model_blessing=make_blessing(True)))[0] == "pushed"


def test_same_model_is_pushed_once(push, make_trained, root):
    push(model=make_trained("a"))
    again = push(model=make_trained("a"))
    reason = "version 1 is live and is the same model"
    assert told(again) == ("unchanged", reason, "1", str(root / "1"))
    assert again.get_int_custom_property("pushed") == 1
    assert sorted(os.listdir(again.uri)) == ["saved_model.pb", "variables"]


def test_rolled_back_model_is_rejected(push, make_trained, root):
    push(model=make_trained("a"))
    push(model=make_trained("b"))
    VersionStore(root).rollback()
    pushed = push(model=make_trained("b"))
    outcome, reason, *_ = told(pushed)
    assert outcome == "rejected"
    assert reason.startswith("this very model was rolled back as version 2")
    assert pushed.get_int_custom_property("pushed") == 0
    assert VersionStore(root).live().number == 1


def test_manifest_has_the_facts_of_the_stages_before(push, make_trained, evaluation, examples, root):
    push(model=make_trained("a"), evaluation=evaluation, examples=examples)
    facts = VersionStore(root).live().manifest.facts
    assert facts.metrics == {"accuracy": 0.8812, "auc": 0.95}
    assert facts.verdict == "promoted"
    assert facts.conditions[0]["metric"] == "accuracy"
    assert facts.run_id == "20261122-101112.131415"
    assert facts.data_fingerprint == "data-1"
    assert facts.code_version == code_fingerprint(*MODEL_CODE)
    assert facts.signatures == {
        "serving_default": {
            "inputs": {"text": {"dtype": "string", "shape": [-1]}},
            "outputs": {"probability": {"dtype": "float", "shape": [-1]}},
        }
    }


def test_the_record_of_the_reviews_that_it_has_seen_goes_with_the_version(
    push, make_trained, evaluation, examples, root
):
    Path(evaluation.uri, REVIEWS_NAME).write_bytes(b"hashes of reviews")
    examples.set_string_custom_property("data_settings", '{"split_salt": "6767"}')
    examples.set_string_custom_property("spans", '[{"span": 3, "version": null}, {"span": 4}]')

    pushed = push(model=make_trained("a"), evaluation=evaluation, examples=examples)

    live = VersionStore(root).live()
    assert Path(live.path, REVIEWS_NAME).read_bytes() == b"hashes of reviews"
    assert live.manifest.facts.data == {"settings": {"split_salt": "6767"}, "spans": [3, 4]}
    assert not Path(pushed.uri, REVIEWS_NAME).exists()
    assert VersionStore(root).verify(1) == []


def test_the_manifest_says_which_splits_the_model_was_fitted_on(push, make_trained, root):
    model = make_trained("a")
    fitted_splits.write(model.uri, ("train", "eval"))
    push(model=model)
    assert VersionStore(root).live().manifest.facts.fitted_on == ("train", "eval")


def test_the_manifest_says_the_threshold_of_the_label(push, make_trained, root):
    model = make_trained("a")
    threshold.write(model.uri, 0.7)
    push(model=model)
    assert VersionStore(root).live().manifest.facts.threshold == 0.7


def test_what_nobody_tells_stays_empty(push, make_trained, root):
    push(model=make_trained("a"), run_id=None)
    facts = VersionStore(root).live().manifest.facts
    assert (facts.metrics, facts.verdict, facts.run_id, facts.data_fingerprint) == ({}, None, None, None)


def test_evaluation_without_a_verdict_pushes_nothing(push, make_trained, evaluation, root):
    Path(evaluation.uri, "verdict.json").unlink()
    with pytest.raises(
        GreenlightError, match=r"has no verdict at .*verdict\.json, .* Run again with --no-cache"
    ):
        push(model=make_trained("a"), evaluation=evaluation)
    assert not root.exists()


def test_why_in_the_history_names_the_run(push, make_trained, root):
    push(model=make_trained("a"))
    event = VersionStore(root).history()[0]
    assert (event.why, event.run_id) == ("run 20261122-101112.131415", "20261122-101112.131415")


def test_store_that_cannot_be_written_ends_in_its_own_words(push, make_trained, root):
    root.parent.mkdir(parents=True)
    root.write_text("a file")
    with pytest.raises(
        GreenlightError, match="Part of that path is a file, not a folder: choose another workspace"
    ):
        push(model=make_trained("a"))


def test_broken_saved_model_is_named(push, make_trained):
    model = make_trained("a")
    path = Path(model.uri, "Format-Serving", "saved_model.pb")
    path.write_bytes(b"\xff" * 20)
    with pytest.raises(
        GreenlightError, match=r"saved_model\.pb cannot be read as a SavedModel .*: train again"
    ):
        push(model=model)


def test_key_in_the_settings_signs_the_version(push, make_trained, tmp_path, root):
    key = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    (tmp_path / "private.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    (tmp_path / "public.pem").write_bytes(key.public_key().public_bytes(pem, info))
    settings = PushSettings(signing_key=tmp_path / "private.pem", public_key=tmp_path / "public.pem")
    push(settings=settings, model=make_trained("a"))
    assert VersionStore(root, verifier=KeyVerifier(tmp_path / "public.pem")).verify(1) == []
    assert told(push(settings=settings, model=make_trained("a")))[0] == "unchanged"


def test_missing_signing_key_is_the_users_mistake(push, make_trained, tmp_path):
    with pytest.raises(InputError, match=r"none\.pem is not a file: the private key must be a PEM file"):
        push(settings=PushSettings(signing_key=tmp_path / "none.pem"), model=make_trained("a"))

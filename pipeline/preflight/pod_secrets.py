"""Checks that the pods get the secrets which the settings name: keys of signatures, addresses of alerts.

Light imports only.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from components.errors import InputError

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.settings.kubeflow_pod import StagePodSettings

_VARIABLE, _FILE = "env:", "file:"


def require(settings: Settings) -> None:
    """Checks that a secret brings each of them into the pod that needs it.

    Raises:
      InputError: one is missing, or would be readable in the compiled file; the message names the setting.
    """
    _require_signing_key(settings)
    _require_public_key(settings)
    if settings.kubeflow.alerts:
        _require_receivers(settings)


def _require_signing_key(settings: Settings) -> None:
    key = settings.push.signing_key
    if key is None or _is_file_of(settings.kubeflow.pod.of("Pusher"), str(key)):
        return
    folder = str(PurePosixPath(key).parent)
    folder = folder if key.is_absolute() and folder != "/" else "/secrets"
    raise InputError(
        f"push.signing_key = {str(key)!r}: no secret brings this file into the pod of the Pusher. Name the "
        "secret whose keys are the files in its folder: --set "
        f'\'kubeflow.pod.stages.Pusher.secret_files={{"{folder}" = "SECRET"}}\'.'
    )


def _require_public_key(settings: Settings) -> None:
    """A key of the image or of a volume is in every pod, one of a secret only where the secret is mounted."""
    key, pod = settings.push.public_key, settings.kubeflow.pod
    if key is None:
        return
    live = () if settings.trainer.warm_start == "off" else ("LiveModel",)
    readers = ("Pusher", "ProductionModel", *live)
    missing = [stage for stage in readers if not _is_file_of(pod.of(stage), str(key))]
    if not missing or missing == [*readers]:
        return
    path, private = PurePosixPath(key), settings.push.signing_key
    another = ""
    if private is not None and PurePosixPath(private).parent == path.parent:
        path = PurePosixPath("/public-key", path.name)
        another = f"--set push.public_key={path} "
    raise InputError(
        f"push.public_key = {str(key)!r}: no secret brings this file into the pod of "
        f"{' and '.join(missing)}; {', '.join(readers)} each check signatures with it. Give every pod a "
        f"secret with the public key alone: {another}--set "
        f'\'kubeflow.pod.secret_files={{"{path.parent}" = "SECRET"}}\'.'
    )


def _require_receivers(settings: Settings) -> None:
    alerts, pod = settings.alerts, settings.kubeflow.pod.of(None)
    addresses = {"webhook": alerts.webhook, "slack": alerts.slack}
    if not any(addresses.values()) and not alerts.command:
        raise InputError(
            "kubeflow.alerts = true: there is no receiver. Set alerts.webhook, alerts.slack or "
            "alerts.command."
        )
    for name, address in addresses.items():
        if address is not None:
            _require_address(f"alerts.{name}", address.get_secret_value(), pod)


def _require_address(key: str, address: str, pod: StagePodSettings) -> None:
    """`address` is shown in a message only where it says where the address is, and is not one itself."""
    if address.startswith(_VARIABLE):
        variable = address.removeprefix(_VARIABLE)
        if variable not in pod.secret_env:
            raise InputError(
                f"{key} = {address!r}: no secret brings this variable into the pod that sends alerts. Name "
                f'it: --set \'kubeflow.pod.secret_env={{"{variable}" = "SECRET/KEY"}}\'.'
            )
    elif address.startswith(_FILE):
        path = address.removeprefix(_FILE)
        if not _is_file_of(pod, path):
            raise InputError(
                f"{key} = {address!r}: no secret brings this file into the pod that sends alerts. Name the "
                "secret whose keys are the files in its folder in kubeflow.pod.secret_files."
            )
    else:
        raise InputError(
            f"{key}: the address is written out, and would be readable in the compiled file. Bring it into "
            f"the pod by a secret: --set {key}=env:ALERTS_URL --set "
            '\'kubeflow.pod.secret_env={"ALERTS_URL" = "SECRET/KEY"}\'.'
        )


def _is_file_of(pod: StagePodSettings, path: str) -> bool:
    """Whether the file is in the folder of a secret; each key of a secret is a file directly in it."""
    return str(PurePosixPath(path).parent) in pod.secret_files

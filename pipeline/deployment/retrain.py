"""The systemd unit and the Kubernetes CronJob that run `greenlight retrain`."""

from __future__ import annotations

import os
import re
import shlex
import string
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import InputError
from pipeline.preflight import named_files

if TYPE_CHECKING:
    from pipeline.config import Settings

NAME = "greenlight-retrain"
UNIT = Path(__file__).with_name(f"{NAME}.service")
"""The template of the systemd unit."""
WORKSPACE = Path("/workspace")
SETTINGS_FOLDER, SETTINGS_FILE = "/etc/greenlight", "greenlight.toml"
KUBERNETES_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
LONGEST_NAME = 253
_ITEM = r"(\*|\d+|SUN|MON|TUE|WED|THU|FRI|SAT|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
KUBERNETES_CRON_FIELD = re.compile(rf"{_ITEM}(-{_ITEM})?(/\d+)?(,{_ITEM}(-{_ITEM})?(/\d+)?)*")
STOP_MARGIN_SECONDS = 15
"""What ending takes beside the run's own time: the last alerts, the journal."""


def systemd_unit(settings: Settings, *, config: Sequence[Path]) -> str:
    """A service that watches for as long as the machine is up.

    Args:
      config: the settings files; without one the workspace alone is handed over.
    """
    told = [argument for file in config for argument in ("--config", str(file.resolve()))]
    command = [sys.executable, "-P", "-m", "pipeline.cli", "retrain", "--watch", *told]
    command += ["--workspace", str(settings.workspace.absolute())]
    stop = settings.retrain.stop_seconds + settings.alerts.linger_seconds + STOP_MARGIN_SECONDS
    unit = string.Template(UNIT.read_text(encoding="utf-8"))
    return unit.substitute(
        model=settings.model_name,
        user=_user(),
        folder=_unit_value(str(Path.cwd())),
        command=" ".join(_unit_value(shlex.quote(part)) for part in command),
        stop=f"{stop:.0f}",
    )


def _user() -> str:
    """Whoever asks for the unit: files that root made in the workspace would be in their way."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def cron_job(settings: Settings, *, image: str | None, every: str, claim: str) -> str:
    """A CronJob that decides once whenever it is due, with the settings in a ConfigMap beside it.

    Args:
      image: unset means kubeflow.image.
      every: how often it looks, as a cron expression of Kubernetes in retrain.time_zone.
      claim: the PersistentVolumeClaim that holds the workspace.

    Raises:
      InputError: there is no image, Kubernetes would not take `every` or `claim`, or the pod would not find
        a file of the settings.
    """
    from pipeline.config import to_toml
    from pipeline.deployment.yaml_text import dump

    if not (image := image or settings.kubeflow.image):
        raise InputError("A CronJob needs an image: give --image NAME, or set kubeflow.image.")
    _refuse_what_kubernetes_refuses(every)
    if len(claim) > LONGEST_NAME or not KUBERNETES_NAME.fullmatch(claim):
        raise InputError(
            f"--claim {claim!r} is not a name that Kubernetes takes: lower-case letters, digits, '-' and "
            f"'.', with a letter or digit at both ends of each part, {LONGEST_NAME} characters at most."
        )
    _refuse_written_out(settings)
    _refuse_relative(settings)
    inside = settings.model_copy(update={"workspace": WORKSPACE, "cache_dir": WORKSPACE / "cache"})
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME},
        "data": {SETTINGS_FILE: to_toml(inside)},
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": NAME},
        "spec": {
            "schedule": every,
            "timeZone": settings.retrain.time_zone,
            # The journal decides what is tried again and when; Kubernetes only looks.
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 300,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {"spec": {"backoffLimit": 0, "template": {"spec": _pod(settings, image, claim)}}},
        },
    }
    return dump(config_map, job)


def _refuse_what_kubernetes_refuses(every: str) -> None:
    """Kubernetes knows fewer cron expressions than retrain.schedule does."""
    from pipeline.settings.cron import refuse_unusable

    try:
        refuse_unusable(every)
    except ValueError as error:
        raise InputError(f"--every {every!r}: {error}.") from None
    fields = every.upper().split()
    known = len(fields) == 5 and all(map(KUBERNETES_CRON_FIELD.fullmatch, fields)) and "7" not in fields[-1]
    if not known:
        raise InputError(
            f"--every {every!r} is more than Kubernetes takes: five fields of numbers, names, '*', '/', ',' "
            "and '-', and Sunday as 0 or SUN."
        )


def _pod(settings: Settings, image: str, claim: str) -> Mapping[str, Any]:
    stop = settings.retrain.stop_seconds + settings.alerts.linger_seconds + STOP_MARGIN_SECONDS
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": round(stop),
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001},
        "containers": [
            {
                "name": "retrain",
                "image": image,
                "command": ["python", "-m", "pipeline.cli"],
                "args": ["retrain", "--config", f"{SETTINGS_FOLDER}/{SETTINGS_FILE}"],
                # Addresses of alerts, as variables that alerts.webhook = "env:NAME" names; it may be missing.
                "envFrom": [{"secretRef": {"name": f"{NAME}-alerts", "optional": True}}],
                "resources": {
                    "requests": {"cpu": "1", "memory": "4Gi"},
                    "limits": {"cpu": "4", "memory": "8Gi"},
                },
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [
                    {"name": "workspace", "mountPath": str(WORKSPACE)},
                    {"name": "settings", "mountPath": SETTINGS_FOLDER, "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {"name": "workspace", "persistentVolumeClaim": {"claimName": claim}},
            {"name": "settings", "configMap": {"name": NAME}},
        ],
    }


def _refuse_written_out(settings: Settings) -> None:
    """A ConfigMap is no place for passwords, and what `config show` hides could not be read back."""
    for name in ("webhook", "slack"):
        address = getattr(settings.alerts, name)
        if address is not None and not address.get_secret_value().startswith(("env:", "file:")):
            raise InputError(
                f"alerts.{name} is written out, and a ConfigMap is no place for a password: put it in the "
                f"Secret {NAME}-alerts, and set alerts.{name} = env:NAME."
            )


def _refuse_relative(settings: Settings) -> None:
    """Raises InputError for paths of the current folder: the pod starts in an empty one."""
    relative = [
        f"{key} = {value!r}"
        for key, value in named_files.of_a_command(settings)
        if not named_files.is_found_from_anywhere(value)
    ]
    if relative:
        raise InputError(
            f"{', '.join(relative)}: the CronJob's pod would not find a relative path. Give the absolute "
            f"path of a file in the image or on the claim (below {WORKSPACE}), or an address such as "
            "gs://bucket/...; data.source = 'spans' reads the spans in the workspace."
        )


def _unit_value(text: str) -> str:
    """systemd reads % and $ as its own."""
    return text.replace("%", "%%").replace("$", "$$")

"""The check of the options that say how a cluster gets Beam's workers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from components.errors import InputError

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PortableOptions


def require_configured(portable: PortableOptions) -> None:
    """Refuses kinds of workers without what they need.

    Raises:
      InputError: EXTERNAL without the address of a pool, or PROCESS without a command.
    """
    kind, config = portable.environment_type, portable.environment_config
    if kind == "EXTERNAL" and not (config or portable.lookup_environment_option("external_service_address")):
        raise InputError(
            "beam.options: --environment_type=EXTERNAL needs --environment_config=localhost:PORT, the worker "
            "pool on each machine of the cluster (`python -m pipeline.beam_worker.pool --port PORT` is one)."
        )
    if kind == "PROCESS" and not (
        _names_a_command(config) or portable.lookup_environment_option("process_command")
    ):
        raise InputError(
            'beam.options: --environment_type=PROCESS needs --environment_config={"command": "FILE"}, the '
            "program that starts a worker, such as greenlight-beam-worker of the environment on each machine "
            "of the cluster."
        )


def _names_a_command(config: str | None) -> bool:
    try:
        return bool(json.loads(config or "")["command"])
    except (ValueError, TypeError, KeyError):
        return False

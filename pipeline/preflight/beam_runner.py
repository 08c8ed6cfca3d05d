"""The check of `beam.*` settings: whether Beam knows the runner and its options."""

from __future__ import annotations

import argparse
import difflib
import socket
from typing import TYPE_CHECKING, NoReturn

from components.errors import InputError
from pipeline.preflight import beam_workers, flink, spark
from pipeline.settings.beam import FLINK, SPARK, WITH_A_JOB_SERVER

if TYPE_CHECKING:
    from pipeline.config import BeamSettings

OF_A_JOB_SERVER = ("PortableRunner", "FlinkRunner", "SparkRunner", *WITH_A_JOB_SERVER)
"""Runners that pass on options that only the job server knows."""
_ENGINES = {FLINK: flink, SPARK: spark}
_ALIKE = 0.85
_SECONDS = 10.0


def require_usable(settings: BeamSettings) -> None:
    """Refuses settings that no stage could run with on this machine.

    Raises:
      InputError: as `require_known`, or nothing answers where the jobs are to go.
      MachineFault: a cluster does not answer or has no worker.
    """
    endpoint = require_known(settings)
    if settings.runner in _ENGINES:
        from apache_beam.options.pipeline_options import PipelineOptions

        _ENGINES[settings.runner].require_usable(settings, PipelineOptions(settings.pipeline_args()))
    if endpoint and settings.runner in OF_A_JOB_SERVER:
        _require_answer(endpoint)


def require_known(settings: BeamSettings) -> str | None:
    """Refuses settings that no stage could run with on any machine; returns the job server's address, if any.

    Raises:
      InputError: the runner does not exist or its packages are missing; an option is unknown or has an
        invalid value; or one that the runner needs is missing.
    """
    from pipeline.config import BeamSettings

    if settings in (BeamSettings(), BeamSettings(workers=settings.workers)):
        return None
    from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, PortableOptions

    arguments = settings.pipeline_args()
    _require_runner(settings.runner, arguments)
    _require_options(settings)
    options = PipelineOptions(arguments)
    if settings.runner in _ENGINES:
        _ENGINES[settings.runner].require_known(settings, options)
    beam_workers.require_configured(options.view_as(PortableOptions))
    # Not Beam's own validator: it would ask Google's servers.
    if settings.runner == "DataflowRunner" and not options.view_as(GoogleCloudOptions).temp_location:
        raise InputError("beam.options: DataflowRunner needs --temp_location=gs://BUCKET/FOLDER.")
    endpoint = options.view_as(PortableOptions).job_endpoint
    if settings.runner == "PortableRunner" and not endpoint:
        raise InputError(
            "beam.options: PortableRunner needs --job_endpoint=HOST:PORT, the address of Beam's job server."
        )
    return endpoint


def _require_runner(name: str, arguments: list[str]) -> None:
    from apache_beam.options.pipeline_options import StandardOptions
    from apache_beam.runners.runner import PipelineRunner, create_runner

    (named,) = (each for each in arguments if each.startswith("--runner="))
    try:
        runner = create_runner(named.removeprefix("--runner="))
    except ImportError as error:
        reason = str(error).rstrip(".")
        raise InputError(f"beam.runner = {name!r}: it is not installed here ({reason}).") from None
    except (ValueError, AttributeError, TypeError):  # no such name, no such class, no class of that kind
        runner = None
    if not isinstance(runner, PipelineRunner):
        known = [*StandardOptions.KNOWN_RUNNER_NAMES]
        close = difflib.get_close_matches(name, known, n=1)
        remedy = f"Did you mean {close[0]}?" if close else "A class of your own is named with its module."
        raise InputError(f"beam.runner = {name!r}: Beam has no such runner. {remedy}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"beam.options: {message}.")


def _require_options(settings: BeamSettings) -> None:
    """Refuses unknown options: Beam itself only logs a warning and ignores them."""
    from apache_beam.options.pipeline_options import PipelineOptions

    parser = _Parser(add_help=False, conflict_handler="resolve")
    for owner in {str(owner): owner for owner in PipelineOptions.__subclasses__()}.values():
        owner._add_argparse_args(parser)
    known = [option for action in parser._actions for option in action.option_strings]
    _, unknown = parser.parse_known_args(list(settings.options))
    for given in unknown:
        name = given.partition("=")[0]
        close = difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE)
        if close or settings.runner not in OF_A_JOB_SERVER:
            remedy = f"Did you mean {close[0]}?" if close else "Leave it out."
            raise InputError(f"beam.options: unknown Beam option {name}. {remedy}")


def _require_answer(endpoint: str) -> None:
    host, _, port = endpoint.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"beam.options: no job server answers at --job_endpoint={endpoint} ({reason}). Start it, or "
            "correct the address."
        ) from None

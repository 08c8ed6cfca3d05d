"""The Java that starts a job server."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Collection
from typing import TYPE_CHECKING

from components.errors import InputError

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

_SHOW = ("-XshowSettings:properties", "-version")
_VERSION = re.compile(r"^\s*java\.specification\.version = (?:1\.)?(\d+)\s*$", re.MULTILINE)
_SECONDS = 60


def require(options: PipelineOptions, *, runner: str, versions: Collection[int] = ()) -> None:
    """Checks the program that `--job_server_java_launcher` names, by default `java`.

    Args:
      runner: the value of beam.runner, for the message.
      versions: the major versions that the engine supports; empty takes any, unasked.

    Raises:
      InputError: there is no such program, or it is of another version.
    """
    from apache_beam.options.pipeline_options import JobServerOptions

    launcher = options.view_as(JobServerOptions).job_server_java_launcher
    remedy = "name one with --job_server_java_launcher=FILE in beam.options."
    if shutil.which(launcher) is None:
        raise InputError(
            f"beam.runner = {runner!r}: the job server needs Java, and there is no program {launcher!r} "
            f"here. Install a Java runtime such as OpenJDK 17, or {remedy}"
        )
    if versions and (found := _version(launcher)) not in versions:
        supported = ", ".join(map(str, sorted(versions)))
        what = f"is Java {found}" if found else "does not tell a version of Java"
        raise InputError(
            f"beam.runner = {runner!r}: the program {launcher!r} {what}, and the job server runs on Java "
            f"{supported}. Install one of them, and {remedy}"
        )


def _version(launcher: str) -> int | None:
    """The major version, such as 17; None if the program does not say."""
    try:
        done = subprocess.run(
            [launcher, *_SHOW],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout + done.stderr)
    return int(found[1]) if found else None

"""A run in a process of its own, whose progress is printed here."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.errors import GreenlightError, InputError
from greenlight.result import Result
from pipeline.commands.options import settings_files
from pipeline.config import Settings, given_as_toml, layers, parse
from pipeline.retraining.child_process import child_environment
from pipeline.workspace.layout import Workspace, new_run_id


def run(
    *,
    workspace: str | os.PathLike[str] | None = None,
    source: str | None = None,
    embedding: str | None = None,
    preset: str | None = None,
    settings: Mapping[str, Any] | None = None,
    config: Sequence[str | os.PathLike[str]] = (),
    use_cache: bool = True,
    progress: bool = True,
) -> Result:
    """What `greenlight run` does, with the same settings from the same places.

    TensorFlow stays out of this process. Ctrl-C, or a notebook's stop button, interrupts the run; the stages
    that have ended are kept.

    Args:
      workspace, source, embedding, preset: as the options of `greenlight run`.
      settings: further ones by their dotted keys, such as `{"trainer.epochs": 10}`.
      config: TOML files with settings; `greenlight.toml` of the current folder by default.
      use_cache: whether stages with unchanged inputs are taken from the cache.
      progress: whether each stage's progress is printed.

    Returns:
      The result; its `verdict` is promoted, unchanged, refused or stopped.

    Raises:
      InputError: the settings or the input cannot be used.
      GreenlightError: the run failed, or could not start.
      KeyboardInterrupt: it was interrupted.
    """
    found = given_settings(
        workspace=workspace,
        source=source,
        embedding=embedding,
        preset=preset,
        settings=settings,
        config=config,
    )
    return _run(found, use_cache=use_cache, progress=progress)


def given_settings(
    *,
    workspace: str | os.PathLike[str] | None,
    source: str | None,
    embedding: str | None,
    preset: str | None,
    settings: Mapping[str, Any] | None,
    config: Sequence[str | os.PathLike[str]],
) -> Settings:
    """The settings of these arguments over those of the files and variables, as of a command.

    Raises:
      InputError: they cannot be used.
    """
    if settings is not None and not _has_text_keys(settings):
        raise InputError(
            'settings: expected a mapping of dotted keys to values, such as {"trainer.epochs": 10}, and not '
            f"{settings!r}."
        )
    if isinstance(config, str | os.PathLike):
        config = [config]
    given = layers(
        file=settings_files([os.fspath(file) for file in config]),
        environment=os.environ,
        preset=preset,
        workspace=None if workspace is None else os.fspath(workspace),
        source=source,
        embedding=embedding,
        values=settings,
    )
    return parse(given)


@contextmanager
def command_with(settings: Settings, *command: str) -> Iterator[list[str]]:
    """A command of `greenlight` on this Python, with the settings that were given in a file of its own.

    A command may have defaults of its own for the others.
    """
    with tempfile.TemporaryDirectory(prefix="greenlight-") as folder:  # only this user can read it
        file = Path(folder, "settings.toml")
        file.write_text(given_as_toml(settings), encoding="utf-8")
        yield [sys.executable, "-P", "-m", "pipeline.cli", *command, "--config", str(file)]


def _has_text_keys(given: object) -> bool:
    return isinstance(given, Mapping) and all(isinstance(key, str) for key in given)


def _run(settings: Settings, *, use_cache: bool, progress: bool) -> Result:
    run_id = new_run_id()
    with command_with(settings, "run") as command:
        command += ["--run-id", run_id, *([] if use_cache else ["--no-cache"])]
        code, errors = _progress_of(command, shown=progress)
    path = Workspace.of(settings).result(run_id)
    if not path.exists():
        message = errors.removeprefix("Error: ") or f"The run ended with exit code {code} and no result."
        raise _error(message, code)
    result = Result.load(path)
    if result.verdict == "failed":
        raise _error(f"{result.error}\nThe log is {result.log}", result.exit_code)
    return result


def _error(message: str, exit_code: int) -> GreenlightError:
    return InputError(message) if exit_code == InputError.exit_code else GreenlightError(message)


def _progress_of(command: Sequence[str], *, shown: bool) -> tuple[int, str]:
    """Runs the command and prints its standard output; its exit code and its standard error."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=child_environment(),
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # a notebook's kernel alone gets its interrupt
        ) as process:
            try:
                assert process.stdout is not None
                _show(process.stdout, shown=shown)
            except BaseException:
                process.send_signal(signal.SIGINT)
                raise
        errors.seek(0)
        return process.returncode, errors.read().strip()


def _show(lines: Iterable[str], *, shown: bool) -> None:
    for line in lines:
        if shown:
            print(line, end="", flush=True)

"""`greenlight ...`: which commands there are, and how whatever goes wrong in them reaches the person.

Nothing heavy is imported here: a command's file is loaded when the command is called, so that `--help` and
mistakes in the arguments are answered at once.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import json
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, NoReturn

import click

INTERRUPTED = 130
NOBODY_READS = 141

EXIT_CODES = """\b
Exit codes:
  0    promoted, or the identical model already is; any other command: done
  1    anything that no other code stands for, with its root cause and the log's path
  2    the settings or the input cannot be used
  3    refused by the gate
  4    stopped by the data check before training
  130  interrupted by Ctrl-C
"""


@dataclasses.dataclass(frozen=True)
class Entry:
    """Where a command is (the name of its function is its own), and its help in a line."""

    module: str
    help: str


COMMANDS: Mapping[str, Mapping[str, Entry]] = {
    "Run": {
        "run": Entry("run", "From reviews to a promoted model, or the reason why not."),
        "study": Entry("study", "Experiments beside the pipeline: what early stopping saves."),
    },
    "Look at runs": {
        "runs": Entry("history", "List the runs of a workspace."),
        "verdict": Entry("history", "Show a run's verdict, condition by condition."),
        "report": Entry("history", "Print where a run's report is."),
    },
    "Versions": {
        "versions": Entry("store", "List the versions of the model."),
        "verify": Entry("store", "Check the versions against their manifests."),
        "promote": Entry("store", "Make a version the live one."),
        "rollback": Entry("store", "Go back to the previous good version."),
        "prune": Entry("store", "Delete old versions."),
        "approve": Entry("store", "Promote a refused run by a person's decision."),
    },
    "Set up": {
        "config": Entry("config", "Show the settings in force, or explain one."),
        "embeddings": Entry("embeddings", "List the text embeddings that have a name."),
        "embed": Entry("embeddings", "Print the embedding vectors of texts."),
        "doctor": Entry("doctor", "Check this machine, and say what to do."),
    },
}


class Greenlight(click.Group):
    """A group whose commands are imported when they are called, and whose errors are words and exit codes."""

    def entries(self) -> dict[str, Entry]:
        """The commands of this installation."""
        found = {name: entry for section in COMMANDS.values() for name, entry in section.items()}
        return {name: entry for name, entry in found.items() if find_spec(_module(entry))}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries().get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(_module(entry)), cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command), f"{entry.module}.{cmd_name} is no command"
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if not args[0].startswith("-") and args[0] not in self.entries():
            near = difflib.get_close_matches(args[0], self.entries(), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        here = self.entries()
        for title, section in COMMANDS.items():
            if rows := [(name, entry.help) for name, entry in section.items() if name in here]:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Runs a command and exits. A command returns its exit code, or None for 0."""
        arguments = list(sys.argv[1:] if args is None else args)
        _prepare_environment()
        try:
            extra["standalone_mode"] = False
            code = super().main(arguments, prog_name or "greenlight", **extra)
        except Exception as error:
            code = _report(error, arguments)
        sys.exit(code or 0)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return NOBODY_READS


def _module(entry: Entry) -> str:
    return f"pipeline.commands.{entry.module}"


def _prepare_environment() -> None:
    """What TensorFlow and others look for in the environment when imported, here and in child processes."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # TF Hub's layer is a Keras 2 layer
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for some costs every command 0.1 s


def _report(error: Exception, arguments: Sequence[str]) -> int:
    """Tells the person on standard error, with `--json` on standard output as well; returns the exit code."""
    from components.errors import GreenlightError
    from pipeline.failure import explain

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        message, code = "Interrupted.", INTERRUPTED
    elif isinstance(error, click.ClickException):
        message, code = error.format_message(), error.exit_code
    else:
        failure = explain(error)
        message, code = failure.message, failure.exit_code
    if "--json" in arguments:
        click.echo(json.dumps(_failed(message, code, command=arguments[0])))
    if isinstance(error, click.ClickException):
        error.show()
    elif isinstance(error, (GreenlightError, click.Abort)):
        click.echo(message if code == INTERRUPTED else f"Error: {message}", err=True)
    else:
        click.echo(f"Error: {message}\nThe traceback is in {_keep_traceback(error)}", err=True)
    return code


def _failed(message: str, code: int, *, command: str) -> dict[str, Any]:
    if command != "run":
        return {"error": message, "exit_code": code}
    from pipeline.outcome import RunResult

    return RunResult(verdict="failed", error=message, error_code=code).to_json()


def _keep_traceback(error: Exception) -> str:
    import tempfile

    with tempfile.NamedTemporaryFile("w", prefix="greenlight-", suffix=".log", delete=False) as log:
        log.writelines(traceback.format_exception(error))
    return log.name


def _show_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        with suppress(PackageNotFoundError):
            click.echo(f"greenlight {version('greenlight')}")
            ctx.exit()
        raise click.ClickException(
            "Greenlight is not installed here, so it has no version. Run `make setup`."
        )


@click.group(
    cls=Greenlight,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
def cli() -> None:
    """From movie reviews to a promoted, servable sentiment model.

    `greenlight run` does it all. `greenlight COMMAND --help` documents a command.
    """


def main() -> NoReturn:
    """The installed command."""
    try:
        cli()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # a stage may still be at work in a thread, and would be waited for
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(INTERRUPTED)
        raise
    raise AssertionError("the group always exits")


if __name__ == "__main__":
    main()

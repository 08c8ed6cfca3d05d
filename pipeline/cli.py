"""The command line `greenlight`: its commands, and the reporting of errors.

Nothing heavy is imported here: a command's file is loaded when the command is called, so that `--help` and
mistakes in the arguments are answered at once.
"""

from __future__ import annotations

import atexit
import dataclasses
import importlib
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, NoReturn

import click

from pipeline.commands.group import Group
from pipeline.exit_codes import EXIT_BROKEN_PIPE, EXIT_CODES, report_error, report_interruption
from pipeline.termination import EXIT_CODES as INTERRUPTIONS
from pipeline.termination import Terminated, as_interruption


@dataclasses.dataclass(frozen=True)
class Entry:
    """A command: the module with the function of its name, and its help in one line."""

    module: str
    help: str


COMMANDS: Mapping[str, Mapping[str, Entry]] = {
    "Run": {
        "run": Entry("run", "Train a model on labeled texts and promote it if it passes the gate."),
        "retrain": Entry("retrain", "Start a run if new data, drift, decay or a schedule asks for one."),
        "tune": Entry("tune", "Search for better training settings within a budget."),
        "study": Entry("study", "Run a study: early stopping, or few labels."),
        "compile": Entry("kubeflow.compile", "Compile the pipeline for Kubeflow."),
        "submit": Entry("kubeflow.submit", "Run the pipeline on Kubeflow and wait for its verdict."),
        "schedule": Entry("kubeflow.schedule", "Schedule the pipeline on Kubeflow."),
    },
    "Look at runs": {
        "runs": Entry("history", "List the runs of a workspace."),
        "verdict": Entry("history", "Show a run's verdict, condition by condition."),
        "report": Entry("history", "Print the path of a run's report."),
    },
    "Data": {
        "data": Entry("data", "Add a file of examples as the next span, or list the spans."),
        "drift": Entry("drift", "Compare texts with the live model's training data."),
    },
    "Versions": {
        "versions": Entry("versions.store", "List the versions of the model."),
        "verify": Entry("versions.store", "Verify the versions against their manifests."),
        "promote": Entry("versions.store", "Make a version live."),
        "rollback": Entry("versions.store", "Roll back to the previous good version."),
        "prune": Entry("versions.store", "Delete old versions."),
        "deploy": Entry("versions.deploy", "Render deployment files for a version: Compose, KServe."),
        "approve": Entry("versions.approve", "Promote a refused run by manual approval."),
    },
    "Serve": {
        "serve": Entry("serving.serve", "Serve the promoted model over HTTP and gRPC."),
        "predict": Entry("serving.predict", "Predict the labels of texts."),
        "batch-predict": Entry("serving.batch_predict", "Predict large files of texts with Beam."),
    },
    "Set up": {
        "init": Entry("setup.init", "Start a project: settings, a workflow with the gate, a test."),
        "config": Entry("setup.config", "Show the current settings, or explain one."),
        "embeddings": Entry("setup.embeddings", "List the named text embeddings."),
        "embed": Entry("setup.embeddings", "Print the embedding vectors of texts."),
        "doctor": Entry("setup.doctor", "Check this machine and suggest remedies."),
    },
}


class Greenlight(Group):
    """A group that imports a command when it is called, and reports errors as messages and exit codes."""

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
        assert isinstance(command, click.Command), f"{entry.module}.{cmd_name} is not a command"
        return command

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
            with as_interruption():
                code = super().main(arguments, prog_name or "greenlight", **extra)
        except Terminated as error:  # found out after click has seen another error
            code = report_interruption(error, arguments)
        except Exception as error:
            code = report_error(error, arguments)
        sys.exit(code or 0)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_BROKEN_PIPE


def _module(entry: Entry) -> str:
    return f"pipeline.commands.{entry.module}"


def _prepare_environment() -> None:
    """What TensorFlow and others look for in the environment when imported, here and in child processes."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # TF Hub's layer is a Keras 2 layer
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    # ML Metadata reads it when TFX imports it; its errors come as exceptions, and would be written as well.
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for some costs every command 0.1 s


def _show_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        with suppress(PackageNotFoundError):
            click.echo(f"greenlight {version('greenlight-tfx')}")
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
    """Retrain a text classifier and promote the new model if it passes the gate.

    Start with `greenlight run`. `greenlight COMMAND --help` documents a command.
    """


class _LastExit:
    """The last function called at exit: it ends a process that has TensorFlow in it.

    TensorFlow takes seconds to come apart, and prints tracebacks. Exit functions run in the reverse order of
    their registration, so this one, registered before any library's, runs after all of them.
    """

    code: int | None = None
    """The exit code, once the command has ended."""

    def __call__(self) -> None:
        if self.code is not None and "tensorflow" in sys.modules:
            _leave(self.code)


def main() -> NoReturn:
    """Runs the command that the arguments of the process name, and exits."""
    # Google's packages warn about the version of Python when they are imported; no user can change that here.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.")
    last_exit = _LastExit()
    atexit.register(last_exit)
    try:
        cli()
    except SystemExit as ended:
        if ended.code in INTERRUPTIONS:  # a stage may still be at work in a thread, and would be waited for
            _leave(ended.code)
        last_exit.code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        raise
    raise AssertionError("the group always exits")


def _leave(code: int) -> NoReturn:
    """Ends the process at once; what was printed is seen."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

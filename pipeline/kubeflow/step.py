"""The entrypoint of every pod: adapts KFP's ExecutorInput, runs TFX's entrypoint, keeps the run's result.

python -m pipeline.kubeflow.step --stage Trainer --store ADDRESS --outputs KEY,... [--settings JSON] [TFX's
arguments]
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.errors import GreenlightError
from pipeline.failure import explain
from pipeline.kubeflow import invocation, parameters

ENTRYPOINT = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
INVOCATION, INPUTS_SPEC = "--json_serialized_invocation_args", "--json_serialized_inputs_spec_args"
LAST_STAGE = "Pusher"


def with_parameters(executor_input: dict[str, Any], *, stage: str, settings_json: str) -> None:
    """Replaces the run-time parameters of a stage by the execution properties that follow from them.

    Example: a Trainer that was compiled with 40 epochs and the parameter `epochs`, in a run with epochs=5,
    has the parameter values {"epochs": 5, P: V40}, where P are its execution properties with values V40.
    Afterwards they are {P: V5}, as if the pipeline had been compiled with trainer.epochs=5.

    Args:
      executor_input: KFP's ExecutorInput, changed in place; its parameterValues include the run's parameters.
      stage: the id of the stage.
      settings_json: the settings that the pipeline was compiled with.

    Raises:
      InputError: the value of a parameter is invalid.
    """
    from pipeline.config import Settings

    settings = Settings.model_validate_json(settings_json)
    values = executor_input.setdefault("inputs", {}).setdefault("parameterValues", {})
    names = [parameter.name for parameter in parameters.ALL if stage in parameter.stages]
    given = {name: values.pop(name) for name in names if name in values}
    changed = parameters.laid_over(settings, given)
    if changed is not settings:
        values.update(_properties(stage, changed, compiled=values))


def _properties(stage: str, settings: Any, *, compiled: dict[str, Any]) -> dict[str, Any]:
    """The execution properties of a stage that is wired from these settings.

    compiled: those that it was compiled with. The Trainer's have the names of the classes, and the text of
      the file that `trainer.module` names, which no pod has.
    """
    from components.example_gen.settings import STAGE_NAMES
    from components.trainer.own_model.module_file import ModuleFile
    from pipeline.engine.stages import create_stages

    config = json.loads(compiled.get("custom_config", "{}")) if stage == "Trainer" else {}
    if "classes" in config:  # of the settings of the data, which do not travel with the Trainer
        data = settings.data.model_copy(update={"classes": tuple(config["classes"])})
        settings = settings.model_copy(update={"data": data})
    module = None
    if settings.trainer.module is not None:
        module = ModuleFile.model_validate(config["module"])
    stages = create_stages(settings, store_root="", module=module)
    # The id of the stage that reads the examples follows from the source, which the run may have changed.
    ids = STAGE_NAMES if stage in STAGE_NAMES else (stage,)
    found = next(each for each in stages if each.id in ids)
    return {name: value for name, value in found.exec_properties.items() if value is not None}


def main(argv: Sequence[str]) -> int:
    """Runs the stage in this process; returns the exit code, one of those of `greenlight run`."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--stage", "--store", INVOCATION):
        parser.add_argument(name, required=True)
    parser.add_argument("--outputs", help="the keys of the compiled outputs; without it all are kept")
    parser.add_argument("--settings")
    parser.add_argument(INPUTS_SPEC, default="{}")
    known, others = parser.parse_known_args(argv)
    executor_input = json.loads(known.json_serialized_invocation_args)
    inputs_spec = json.loads(known.json_serialized_inputs_spec_args)
    if known.outputs is not None:
        invocation.keep_declared(
            executor_input,
            inputs=inputs_spec,
            outputs=known.outputs.split(","),
            parameters=[parameter.name for parameter in parameters.ALL],
        )
    run = invocation.run_of(executor_input)
    try:
        if known.settings is not None:
            with_parameters(executor_input, stage=known.stage, settings_json=known.settings)
        expected = invocation.expected_by_launcher(executor_input)
        copies = invocation.to_tfx(executor_input, inputs_spec=inputs_spec)
        _remove_outputs(invocation.outputs_of(executor_input))
        _run_entrypoint(
            [INVOCATION, json.dumps(executor_input), INPUTS_SPEC, json.dumps(inputs_spec), *others]
        )
        output = _rewrite_output(executor_input, copies)
        _create_missing_outputs(expected)
        if known.stage == LAST_STAGE and run is not None:
            _save_verdict(run, executor_input, output, store=known.store)
    except Exception as error:
        return _report_failure(error, stage=known.stage, run=run, store=known.store)
    return 0


def _remove_outputs(addresses: Sequence[str]) -> None:
    """Removes the outputs of an earlier attempt; their addresses belong to this task alone.

    A restarted pod has empty folders, but files that were written directly to gs:// still exist, and a stage
    would read the shards of both attempts.
    """
    from tfx.dsl.io import fileio

    for address in addresses:
        if fileio.exists(address):
            (fileio.rmtree if fileio.isdir(address) else fileio.remove)(address)


def _run_entrypoint(arguments: list[str]) -> None:
    """Runs TFX's main function; errors of the executor are raised."""
    sys.argv = [ENTRYPOINT, *arguments]
    try:
        runpy.run_module(ENTRYPOINT, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise GreenlightError(f"TFX's entrypoint ended with {ended.code}.") from ended


def _rewrite_output(executor_input: dict[str, Any], copies: dict[str, str]) -> dict[str, Any]:
    """Rewrites TFX's ExecutorOutput for KFP; returns the original."""
    path = Path(executor_input["outputs"]["outputFile"])
    text = path.read_text(encoding="utf-8")
    path.write_text(json.dumps(invocation.to_kfp(json.loads(text), copies)), encoding="utf-8")
    return json.loads(text)


def _create_missing_outputs(expected: Sequence[str]) -> None:
    """Creates an empty folder for each output that KFP's launcher would not find.

    Launchers up to 2.17 treat a missing output as empty; those that report to the API server fail. Outputs
    that were written directly to gs:// are missing, too. Nothing is uploaded from an empty folder.
    """
    for path in map(Path, expected):
        if path.parent.is_dir() and not path.exists():  # the launcher creates the parent folder
            path.mkdir()


def _save_verdict(run: str, executor_input: dict[str, Any], output: dict[str, Any], *, store: str) -> None:
    from pipeline.kubeflow import results

    result = results.judged(run, executor_input, output, store=store)
    results.save(result, store)
    print("\n".join([result.verdict, *result.reasons]), flush=True)


def _report_failure(error: Exception, *, stage: str, run: str | None, store: str) -> int:
    """Reports the error in the log and in the saved result of the run; returns the exit code."""
    from pipeline.kubeflow import results

    failure = explain(error)
    if not isinstance(error, GreenlightError):
        traceback.print_exception(error)
    print(f"Error: {failure.message}", file=sys.stderr, flush=True)
    if run is not None:
        try:
            results.save(results.failed(run, failure.message, failure.exit_code, stage=stage), store)
        except OSError as unwritable:
            print(
                f"The result could not be saved in {results.path_of(store, run)}: {unwritable}",
                file=sys.stderr,
            )
    return failure.exit_code


if __name__ == "__main__":
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)  # the shutdown of TensorFlow takes seconds and prints tracebacks

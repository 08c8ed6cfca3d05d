"""What a pod runs where its stage has run-time parameters: it lays them over the settings and starts TFX.

python -m pipeline.kubeflow.step --stage Trainer --settings JSON [arguments of TFX's entrypoint]
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from collections.abc import Sequence
from typing import Any

from components.errors import GreenlightError
from pipeline.config import Settings
from pipeline.kubeflow import parameters

ENTRYPOINT = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
INVOCATION = "--json_serialized_invocation_args"


def with_parameters(invocation: str, *, stage: str, settings: Settings) -> str:
    """The ExecutorInput that the stage would have got, had it been compiled with the parameters' values.

    Args:
      invocation: ExecutorInput as JSON; the values of the run-time parameters are among its parameters.
      stage: the stage's id.
      settings: those that it was compiled from.

    Raises:
      InputError: a parameter's value cannot be used.
    """
    executor_input = json.loads(invocation)
    values = executor_input.setdefault("inputs", {}).setdefault("parameterValues", {})
    names = [parameter.name for parameter in parameters.ALL if parameter.stage == stage]
    given = {name: values.pop(name) for name in names if name in values}
    changed = parameters.laid_over(settings, given)
    if changed is not settings:
        values.update(_properties(stage, changed))
    return json.dumps(executor_input)


def _properties(stage: str, settings: Settings) -> dict[str, Any]:
    """The execution properties of a stage that is wired from these settings."""
    from pipeline.pipeline import create_stages

    stages = create_stages(settings, store_root="")
    found = next(each for each in stages if each.id == stage)
    return {name: value for name, value in found.exec_properties.items() if value is not None}


def main(argv: Sequence[str]) -> int:
    """Runs the stage in this process; TFX's entrypoint ends it, unless a parameter cannot be used."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--stage", "--settings", INVOCATION):
        parser.add_argument(name, required=True)
    known, others = parser.parse_known_args(argv)
    try:
        settings = Settings.model_validate_json(known.settings)
        invocation = with_parameters(
            known.json_serialized_invocation_args, stage=known.stage, settings=settings
        )
    except GreenlightError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    sys.argv = [ENTRYPOINT, INVOCATION, invocation, *others]
    runpy.run_module(ENTRYPOINT, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

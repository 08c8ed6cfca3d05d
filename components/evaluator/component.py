"""The Evaluator component: TFX's, with the gate as an execution property and our executor."""

from collections.abc import Sequence

from tfx.components.evaluator import component as tfx_component
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from components.evaluator import executor
from components.evaluator.driver import EARLIER, Driver
from components.evaluator.gate import eval_config
from components.evaluator.settings import GateSettings
from components.fingerprints import code_fingerprint
from components.reviews import CLASSES

CODE = "code"


class EvaluatorSpec(specs.EvaluatorSpec):
    """TFX's spec with `gate` (GateSettings as JSON), `code` (reruns an upgraded stage) and `base_model`."""

    PARAMETERS = {
        **specs.EvaluatorSpec.PARAMETERS,
        executor.GATE_KEY: ExecutionParameter(type=str),
        CODE: ExecutionParameter(type=str),
        EARLIER: ExecutionParameter(type=str),
        executor.CHECKLIST: ExecutionParameter(type=int, optional=True),
    }
    INPUTS = {
        **specs.EvaluatorSpec.INPUTS,
        executor.BASE_MODEL: ChannelParameter(type=standard_artifacts.Model, optional=True),
    }


class Evaluator(tfx_component.Evaluator):
    """Evaluates a model with TFMA and writes a verdict with reasons beside TFMA's outputs.

    Outputs are TFX's: `evaluation` (ModelEvaluation, with verdict.json and predictions.parquet) and
    `blessing` (ModelBlessing).
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
    DRIVER_CLASS = Driver

    def __init__(self, spec: EvaluatorSpec) -> None:
        # TFX's own constructor builds a spec without a place for the gate.
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)


def evaluator(
    *,
    examples: BaseChannel,
    model: BaseChannel,
    gate: GateSettings,
    split: str,
    spans: bool = False,
    slice_columns: Sequence[str] = (),
    classes: Sequence[str] = CLASSES,
    checklist: bool = False,
    baseline_model: BaseChannel | None = None,
    base_model: BaseChannel | None = None,
) -> Evaluator:
    """Returns the Evaluator stage.

    Args:
      examples: Examples with the split.
      model: the candidate.
      gate: the conditions that it must meet.
      split: the split to judge on, "test" or "eval".
      spans: whether the examples have spans, so that the newest span and the base set are judged, too.
      slice_columns: the features of the examples with metadata, whose values are slices.
      classes: the names of the classes.
      checklist: whether the data are English film reviews, so that the models are asked the sentences with
        negations as well.
      baseline_model: the model in production, or an artifact that says that there is none.
      base_model: the model whose weights the candidate may have started from, with the examples it has seen.
    """
    return Evaluator(
        EvaluatorSpec(
            examples=examples,
            model=model,
            baseline_model=baseline_model,
            base_model=base_model,
            eval_config=eval_config(gate, spans=spans, slice_columns=slice_columns, classes=len(classes)),
            example_splits=json_utils.dumps([split]),
            fairness_indicator_thresholds=json_utils.dumps(None),
            gate=gate.model_dump_json(),
            code=code_fingerprint(__name__),
            earlier_candidates="",
            checklist=int(checklist),
            evaluation=Channel(type=standard_artifacts.ModelEvaluation),
            blessing=Channel(type=standard_artifacts.ModelBlessing),
        )
    )

"""The InfraValidator component, without Docker and for every orchestrator."""

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.fingerprints import code_fingerprint
from components.infra_validator import executor
from components.infra_validator.settings import InfraSettings

CODE = "code"


class InfraValidatorSpec(ComponentSpec):
    """Model and Examples in, InfraBlessing out; `code` makes an upgraded stage run again."""

    PARAMETERS = {
        CODE: ExecutionParameter(type=str),
        executor.SETTINGS_KEY: ExecutionParameter(type=str),
        executor.SPLIT_KEY: ExecutionParameter(type=str),
    }
    INPUTS = {
        specs.MODEL_KEY: ChannelParameter(type=standard_artifacts.Model),
        specs.EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {specs.BLESSING_KEY: ChannelParameter(type=standard_artifacts.InfraBlessing)}


class InfraValidator(base_component.BaseComponent):
    """Loads the model as the server does and sends canary requests; the output is `blessing`.

    Args:
      model: the exported model.
      examples: the Examples artifact with the texts for the canaries.
      settings: limits, and whether to check.
      split: the split of `examples` with these texts.
    """

    SPEC_CLASS = InfraValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self, *, model: BaseChannel, examples: BaseChannel, settings: InfraSettings, split: str
    ) -> None:
        super().__init__(
            InfraValidatorSpec(
                model=model,
                examples=examples,
                settings=settings.model_dump_json(),
                split=split,
                code=code_fingerprint(__name__, "serving.canary"),
                blessing=Channel(type=standard_artifacts.InfraBlessing),
            )
        )

"""The DataCheck component, which fails a run on bad data before training."""

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import BaseChannel, Channel

from components.data_check.executor import Executor
from components.data_check.settings import CheckSettings
from components.embeddings.settings import EmbeddingSettings
from components.fingerprints import code_fingerprint


class _DataCheckSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        "settings": component_spec.ExecutionParameter(type=str),
        "embedding_settings": component_spec.ExecutionParameter(type=str, optional=True),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples, optional=True),
    }
    # A type of its own would be a better name, but Kubeflow's compiler takes none from a module this deep.
    OUTPUTS = {"verdict": component_spec.ChannelParameter(type=standard_artifacts.JsonValue)}


class DataCheck(base_component.BaseComponent):
    """Fails, and stops the run, if the data is unfit for training; its output `verdict` has the findings.

    TFX's ExampleValidator only records anomalies and does not stop the stages after it.
    """

    SPEC_CLASS = _DataCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        statistics: BaseChannel,
        anomalies: BaseChannel,
        settings: CheckSettings,
        examples: BaseChannel | None = None,
        embedding: EmbeddingSettings | None = None,
    ):
        """Builds the stage.

        Args:
          statistics: StatisticsGen's output.
          anomalies: ExampleValidator's output.
          settings: the bounds of the data.
          examples: TextExampleGen's output, for its counts of bad rows and for the training examples.
          embedding: the model's embedding, to check whether it knows the texts' language.
        """
        super().__init__(
            spec=_DataCheckSpec(
                settings=settings.model_dump_json(),
                embedding_settings=embedding.model_dump_json() if embedding else None,
                code=code_fingerprint(__name__),
                statistics=statistics,
                anomalies=anomalies,
                examples=examples,
                verdict=Channel(type=standard_artifacts.JsonValue),
            )
        )

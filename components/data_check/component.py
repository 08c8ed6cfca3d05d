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
    """Fails, and with it the run, when the data is not fit to train on; its output `verdict` says what it is
    like.

    TFX's ExampleValidator only writes anomalies down: what is downstream of it runs all the same.
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
          settings: the bounds that the data must keep.
          examples: ImdbExampleGen's output, to have its account of bad rows in the verdict, and to look at
            the training reviews themselves.
          embedding: what the model will be made with, to see whether it knows the reviews' language.
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

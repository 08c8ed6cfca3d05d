"""The ImdbExampleGen component, the first stage of the pipeline."""

from tfx.components.example_gen import component
from tfx.dsl.components.base import executor_spec

from components.example_gen.driver import Driver
from components.example_gen.exec_properties import StageConfig, input_config, output_config
from components.example_gen.executor import Executor
from components.example_gen.settings import DataSettings
from components.fingerprints import code_fingerprint


class ImdbExampleGen(component.QueryBasedExampleGen):
    """Labeled reviews from a source, split by a hash of their text.

    Output `examples`: Examples with the splits `train`, `eval` and, if it has a weight, `test`; GZIP
    TFRecords of the tf.Examples of `components/reviews.py`; beside them `reading.json`, the account of every
    row.

    It is "query based" and not "file based" to TFX because a file-based one gets, on Kubeflow, a driver of
    TFX's own that knows files only, by their sizes and times.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, settings: DataSettings, *, fingerprint: str = ""):
        """Builds the stage without looking at the source.

        Args:
          settings: where the reviews come from and how they are split.
          fingerprint: of the source's content, for engines that do not run our driver, such as Kubeflow: give
            them `sources.fingerprint(settings)`, or switch their cache off for this stage. Elsewhere the
            driver finds it.
        """
        config = StageConfig(
            data=settings.model_dump(mode="json"),
            code=code_fingerprint(__name__),
            fingerprint=fingerprint,
        )
        super().__init__(
            input_config=input_config(settings.source),
            output_config=output_config(settings),
            custom_config=config.to_proto(),
        )

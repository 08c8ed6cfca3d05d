"""The component that reads the examples, the first stage of the pipeline."""

from tfx.components.example_gen import component
from tfx.dsl.components.base import executor_spec

from components.example_gen.driver import Driver
from components.example_gen.exec_properties import StageConfig, input_config, output_config
from components.example_gen.executor import Executor
from components.example_gen.settings import OF_LATER_STAGES, DataSettings
from components.fingerprints import code_fingerprint


class TextExampleGen(component.QueryBasedExampleGen):
    """Labeled texts from a source as tf.Examples, split by a hash of their text.

    Its id is that of `DataSettings.stage_name`.

    Output `examples`: Examples with the splits `train`, `eval` and, if it has a weight, `test`; GZIP
    TFRecords of the tf.Examples of `components/reviews.py`; and `reading.json`, the counts of used and
    skipped rows.

    It is "query based" for TFX, because on Kubeflow a "file based" ExampleGen gets TFX's own driver, which
    fingerprints files by size and time.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, settings: DataSettings, *, fingerprint: str = ""):
        """Builds the stage without reading the source.

        Args:
          settings: the source of the examples and the splits.
          fingerprint: the fingerprint of the source's content, `sources.fingerprint(settings)`, for engines
            that do not run our driver, such as Kubeflow, unless their cache is off for this stage. Elsewhere
            the driver computes it.
        """
        config = StageConfig(
            data=settings.model_dump(mode="json", exclude=set(OF_LATER_STAGES)),
            code=code_fingerprint(__name__),
            fingerprint=fingerprint,
        )
        super().__init__(
            input_config=input_config(settings.source),
            output_config=output_config(settings),
            custom_config=config.to_proto(),
        )
        self.with_id(settings.stage_name)

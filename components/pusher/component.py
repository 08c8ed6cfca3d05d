"""The Pusher component: TFX's, with a version store and inputs for the manifest."""

from tfx.components.pusher import component as tfx_component
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.fingerprints import code_fingerprint
from components.pusher.driver import GENERATION, Driver
from components.pusher.executor import SETTINGS, Executor
from components.pusher.facts import EVALUATION, EXAMPLES
from components.pusher.settings import PushSettings

CODE = "code"


class PusherSpec(specs.PusherSpec):
    """TFX's, and the inputs that a manifest is made of; `generation` is the driver's."""

    PARAMETERS = {
        **specs.PusherSpec.PARAMETERS,
        SETTINGS: ExecutionParameter(type=str),
        CODE: ExecutionParameter(type=str),
        GENERATION: ExecutionParameter(type=str),
    }
    INPUTS = {
        **specs.PusherSpec.INPUTS,
        EVALUATION: ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
        EXAMPLES: ChannelParameter(type=standard_artifacts.Examples, optional=True),
    }


class Pusher(tfx_component.Pusher):
    """Pushes a blessed model as the next version of a store; its output is TFX's `pushed_model`.

    On Kubeflow, which runs no driver of ours, a push found in the cache is not checked against the store.
    """

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, spec: PusherSpec) -> None:
        # TFX's own constructor builds a spec without a place for our inputs.
        base_component.BaseComponent.__init__(self, spec=spec)


def pusher(
    *,
    model: BaseChannel,
    root: str,
    model_blessing: BaseChannel | None = None,
    infra_blessing: BaseChannel | None = None,
    evaluation: BaseChannel | None = None,
    examples: BaseChannel | None = None,
    settings: PushSettings | None = None,
) -> Pusher:
    """Returns the Pusher stage.

    Args:
      model: the candidate.
      root: the version store's folder, or its gs:// or s3:// path.
      model_blessing: the gate's; without it the model is pushed unjudged.
      infra_blessing: the canary check's; without it there is no evidence that the model serves.
      evaluation: the gate's evaluation, for the metrics and the verdict in the manifest.
      examples: what the model was trained on, for the data's fingerprint in the manifest.
      settings: whether versions are signed.
    """
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=root)
    )
    return Pusher(
        PusherSpec(
            model=model,
            model_blessing=model_blessing,
            infra_blessing=infra_blessing,
            evaluation=evaluation,
            examples=examples,
            push_destination=destination,
            settings=(settings or PushSettings()).of_stage(),
            code=code_fingerprint(__name__),
            generation="",
            pushed_model=Channel(type=standard_artifacts.PushedModel),
        )
    )

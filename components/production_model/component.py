"""The ProductionModel component: the live version as an artifact for the Evaluator."""

from pathlib import Path

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import BaseChannel, Channel

from components.fingerprints import code_fingerprint
from components.production_model.driver import Driver
from components.production_model.executor import (
    CANDIDATE,
    DAMAGE,
    FOUND,
    MODEL,
    PUBLIC_KEY,
    STORE_ROOT,
    TRAINED_ON,
    Executor,
)


class _ProductionModelSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        STORE_ROOT: component_spec.ExecutionParameter(type=str),
        FOUND: component_spec.ExecutionParameter(type=str),
        TRAINED_ON: component_spec.ExecutionParameter(type=str),
        PUBLIC_KEY: component_spec.ExecutionParameter(type=str, optional=True),
        DAMAGE: component_spec.ExecutionParameter(type=str, optional=True),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {CANDIDATE: component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True)}
    OUTPUTS = {MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model)}


class ProductionModel(base_component.BaseComponent):
    """Takes a copy of the live version; its output `model` says so where there is nothing to compare with.

    The version store is the one thing that knows what is live, on every engine. TFX's Resolver asks the
    lineage store instead, knows of no rollback, and open-source Kubeflow Pipelines cannot run it. On
    Kubeflow, which runs no driver of ours, the stage must not be cached.
    """

    SPEC_CLASS = _ProductionModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self, *, store_root: str, candidate: BaseChannel | None = None, public_key: Path | None = None
    ):
        """Builds the stage.

        Args:
          store_root: the version store's folder, or its s3:// or gs:// address.
          candidate: the Model that was just trained; without one the live model is fetched, whatever it is.
          public_key: the PEM file that the version's signature is checked against; None for no signature.
        """
        super().__init__(
            spec=_ProductionModelSpec(
                candidate=candidate,
                store_root=store_root,
                found="",
                trained_on="",
                **({PUBLIC_KEY: str(public_key)} if public_key else {}),
                code=code_fingerprint(__name__),
                model=Channel(type=standard_artifacts.Model),
            )
        )

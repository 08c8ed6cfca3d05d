"""The stages that Kubeflow may take from its cache. Light imports only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.errors import InputError
from components.example_gen.settings import STAGE_NAMES
from pipeline.settings.kubeflow_stage import of_stage

if TYPE_CHECKING:
    from pipeline.config import Settings


def is_cached(stage: str, settings: Settings) -> bool:
    """Whether a stage with unchanged inputs is taken from Kubeflow's cache."""
    if stage in never_cached(settings):
        return False
    own = of_stage(settings.kubeflow.cache, stage)
    return settings.kubeflow.enable_cache if own is None else own


def never_cached(settings: Settings) -> list[str]:
    """The stages with our drivers, which add the state outside of the pipeline to the cache key.

    Kubeflow does not run these drivers; only the packaged reviews in the image cannot change between runs.
    """
    fixed = settings.data.kind == "packaged" and "source" not in settings.kubeflow.parameters
    return ["ProductionModel", "Pusher", "LiveModel", *(() if fixed else STAGE_NAMES)]


def require_cacheable(settings: Settings) -> None:
    """Checks the stages that are switched on in kubeflow.cache.

    Raises:
      InputError: one of them reads state outside of the pipeline.
    """
    never = never_cached(settings)
    wrong = [stage for stage, wanted in settings.kubeflow.cache.items() if wanted and stage in never]
    if wrong:
        raise InputError(
            f"kubeflow.cache.{wrong[0]} = true: this stage reads state outside of the pipeline (the version "
            "store, or a source that can change), which Kubeflow's cache does not know. Leave it out."
        )

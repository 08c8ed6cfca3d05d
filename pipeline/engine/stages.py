"""The pipeline definition: stages and their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline

from components.evaluator.component import evaluator
from components.infra_validator.component import InfraValidator
from components.production_model.component import ProductionModel
from components.pusher.component import pusher
from components.trainer.component import trainer
from components.trainer.own_model.module_file import ModuleFile
from pipeline.engine.data_stages import data_stages

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.workspace.layout import Workspace


def create_stages(
    settings: Settings, *, store_root: str, module: ModuleFile | None = None
) -> Sequence[BaseNode]:
    """The stages, top to bottom.

    Args:
      settings: what the user asked for.
      store_root: the folder of the version store, which the Pusher writes to and which has the live version.
      module: the code that `trainer.module` names; read here if None.

    Raises:
      InputError: the file that `trainer.module` names cannot be used.
    """
    if module is None and settings.trainer.module is not None:
        module = ModuleFile.read(settings.trainer.module)
    split = settings.data.judged_split

    data = data_stages(settings)
    examples = data.examples.outputs["examples"]

    public_key = settings.push.public_key
    live = None
    if settings.trainer.warm_start != "off":
        live = ProductionModel(store_root=store_root, public_key=public_key).with_id("LiveModel")
    train = trainer(
        examples,
        classes=settings.data.class_names,
        threshold=settings.data.threshold,
        module=module,
        schema=data.schema.outputs["schema"] if module and module.is_run_fn else None,
        base_model=live.outputs["model"] if live else None,
        settings=settings.trainer,
        embedding=settings.embedding,
        cache_dir=settings.cache,
        judged_split=split,
    )
    train.add_upstream_node(data.check)
    model = train.outputs["model"]

    production = ProductionModel(candidate=model, store_root=store_root, public_key=public_key)
    gate = evaluator(
        examples=examples,
        model=model,
        baseline_model=production.outputs["model"],
        base_model=live.outputs["model"] if live else None,
        gate=settings.gate,
        split=split,
        spans=settings.data.has_spans,
        slice_columns=settings.data.slice_columns,
        classes=settings.data.class_names,
        checklist=settings.data.is_film_reviews,
    )
    canaries = InfraValidator(model=model, examples=examples, settings=settings.infra, split=split)
    push = pusher(
        model=model,
        model_blessing=gate.outputs["blessing"],
        infra_blessing=canaries.outputs["blessing"],
        evaluation=gate.outputs["evaluation"],
        examples=examples,
        root=store_root,
        settings=settings.push,
    )
    start = [live] if live else []
    return [*data, *start, train, production, gate, canaries, push]


def create_local_pipeline(settings: Settings, workspace: Workspace, *, use_cache: bool) -> Pipeline:
    """The pipeline for a run on one machine, with files and lineage store in the workspace."""
    folder = workspace.serving(settings.model_name)
    return Pipeline(
        pipeline_name=settings.model_name,
        pipeline_root=str(workspace.artifacts),
        metadata_connection_config=workspace.metadata.shown_config(),
        components=create_stages(
            settings,
            store_root=settings.push.store_for(settings.model_name, folder),
        ),
        enable_cache=use_cache,
        beam_pipeline_args=list(settings.beam.pipeline_args()),
    )

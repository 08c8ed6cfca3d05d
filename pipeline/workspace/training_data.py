"""The training examples of a version, and their current paths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import InputError
from pipeline.lineage.runs import RUN_CONTEXT, read_run
from pipeline.lineage.store import reading
from pipeline.workspace.relocation import local_uri

if TYPE_CHECKING:
    from pipeline.workspace.layout import Workspace
    from serving.store.records import Version

TRAINER = "Trainer"
_EXAMPLES = "Examples"
_FINGERPRINT = "input_fingerprint"  # TFX's name; the module that defines it imports all of TFX


def examples_of(version: Version, workspace: Workspace) -> Path:
    """The folder of the Examples artifact that the version was trained on.

    The version's manifest names its run, and the lineage store the examples of that run's Trainer. If they
    were deleted, other examples of the same source are used. The workspace may have been moved.

    Raises:
      InputError: the version has no manifest, the lineage store does not know it, or the examples are gone.
    """
    if version.manifest is None:
        raise InputError(f"Version {version.number} has no manifest that tells which run it came out of.")
    facts = version.manifest.facts
    named = [
        *_taken_in_run(workspace, facts.run_id),
        *_with_fingerprint(workspace, facts.data_fingerprint),
    ]
    if not named:
        raise InputError(
            f"The lineage store {workspace.metadata} does not know what version {version.number} was trained "
            f"on (run {facts.run_id or 'unknown'})."
        )
    for uri in named:
        folder = Path(local_uri(uri, workspace) or uri)
        if folder.is_dir():
            return folder
    raise InputError(
        f"The examples that version {version.number} was trained on are gone: {named[0]}. `greenlight run` "
        f"with the settings of run {facts.run_id} makes them again."
    )


def _taken_in_run(workspace: Workspace, run_id: str | None) -> Iterator[str]:
    with reading(workspace.metadata) as store:
        if run_id is None or store.get_context_by_type_and_name(RUN_CONTEXT, run_id) is None:
            return
    trainer = read_run(workspace.metadata, run_id).stage(TRAINER)
    for artifact in trainer.inputs.get("examples", ()) if trainer else ():
        yield artifact.uri


def _with_fingerprint(workspace: Workspace, fingerprint: str | None) -> Iterator[str]:
    if fingerprint is None:
        return
    with reading(workspace.metadata) as store:
        artifacts = store.get_artifacts_by_type(_EXAMPLES)
    for artifact in sorted(artifacts, key=lambda artifact: artifact.id, reverse=True):
        properties = artifact.custom_properties
        if _FINGERPRINT in properties and properties[_FINGERPRINT].string_value == fingerprint:
            yield artifact.uri

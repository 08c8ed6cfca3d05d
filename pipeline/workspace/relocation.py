"""Relocation of artifact URIs in the lineage store, after a workspace was moved or copied."""

from __future__ import annotations

from pipeline.lineage.store import reading
from pipeline.workspace.layout import Workspace


def relocate_artifacts(workspace: Workspace) -> int:
    """Sets the URIs of all artifacts in `workspace` to their current absolute paths.

    The caller holds the workspace's lock. An artifact that is not in the workspace keeps its URI.

    Returns:
      The number of changed URIs.
    """
    if not workspace.metadata.exists():
        return 0
    moved = []
    with reading(workspace.metadata) as store:
        for artifact in store.get_artifacts():
            here = local_uri(artifact.uri, workspace)
            if here is not None and here != artifact.uri:
                artifact.uri = here
                moved.append(artifact)
        if moved:
            store.put_artifacts(moved)
    return len(moved)


def local_uri(uri: str, workspace: Workspace) -> str | None:
    """The path of the artifact in this workspace; None if it is not there.

    Below the artifacts folder a URI ends in the id of its execution in the lineage store, which moved along:
    equal relative paths mean the same artifact.
    """
    _, found, below = uri.rpartition(f"/{workspace.artifacts.name}/")
    here = workspace.artifacts / below
    return str(here) if found and below and here.exists() else None

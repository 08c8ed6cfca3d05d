"""What a moved or copied workspace needs: the lineage store names artifacts by absolute paths."""

from __future__ import annotations

from pipeline.workspace.layout import Workspace


def bring_home(workspace: Workspace) -> int:
    """Makes the lineage store name the artifacts that lie in `workspace` by where they lie now.

    Call it with the workspace held. An artifact that is not here keeps its address.

    Returns:
      How many addresses were changed.
    """
    if not workspace.metadata.exists():
        return 0
    store = workspace.metadata.open()
    moved = []
    for artifact in store.get_artifacts():
        here = address_here(artifact.uri, workspace)
        if here is not None and here != artifact.uri:
            artifact.uri = here
            moved.append(artifact)
    if moved:
        store.put_artifacts(moved)
    return len(moved)


def address_here(uri: str, workspace: Workspace) -> str | None:
    """Where the artifact is in this workspace; None where it is not in it.

    Below the folder of artifacts an address ends in the number of the execution in the lineage store, which
    came along: what has the same name here is the same artifact.
    """
    _, found, below = uri.rpartition(f"/{workspace.artifacts.name}/")
    here = workspace.artifacts / below
    return str(here) if found and below and here.exists() else None

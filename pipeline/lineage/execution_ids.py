"""The ids of executions, which TFX names the folders of their artifacts by."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.lineage.store import LineageStore

if TYPE_CHECKING:
    from ml_metadata import MetadataStore

_log = logging.getLogger(__name__)
LOST = "greenlight.LostExecution"
"""The type of the executions that stand for those whose records were lost."""
_ID = re.compile(r"[0-9]{1,6}")
"""Longer numbers are not of executions: a run has about ten."""
_AT_A_TIME = 1000


def reserve_ids(lineage: LineageStore, artifacts: Path) -> int:
    """Makes the store skip the ids whose folders are in `artifacts`; returns how many it skips.

    A store numbers its executions from 1. One that is new because the old one was lost or moved away, or that
    comes from a backup, would give ids again, and stages would write into the folders of other executions.
    ML Metadata has no other way to skip an id than to use it.
    """
    highest = max(_ids_of_folders(artifacts), default=0)
    if not highest:
        return 0
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    store = MetadataStore(lineage.connection_config())
    missing = highest - _newest_id(store)
    if missing <= 0:
        return 0
    _log.warning("%s lacks %d executions of %s; their ids are skipped", lineage, missing, artifacts)
    kind = store.put_execution_type(mlmd.ExecutionType(name=LOST))
    for start in range(0, missing, _AT_A_TIME):
        count = min(_AT_A_TIME, missing - start)
        store.put_executions([mlmd.Execution(type_id=kind) for _ in range(count)])
    return missing


def _ids_of_folders(artifacts: Path) -> Iterator[int]:
    """Of STAGE/OUTPUT/ID, and of the executors' own folders; those of drivers are named by a time."""
    for pattern in ("*/*/*", "*/.system/executor_execution/*"):
        for folder in artifacts.glob(pattern):
            if _ID.fullmatch(folder.name):
                yield int(folder.name)


def _newest_id(store: MetadataStore) -> int:
    from ml_metadata import ListOptions, OrderByField

    newest = store.get_executions(ListOptions(limit=1, order_by=OrderByField.ID, is_asc=False))
    return newest[0].id if newest else 0

"""A store that lacks executions, because it is new or from a backup, gives none of their ids again."""

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.lineage.execution_ids import LOST, reserve_ids
from pipeline.lineage.store import SqliteLineage

DRIVER = "Pusher/.system/driver_execution/1796066631865247"
"""TFX names it by the time, in microseconds."""


@pytest.fixture
def lineage(tmp_path) -> SqliteLineage:
    return SqliteLineage(tmp_path / "metadata.sqlite")


def execute(lineage: SqliteLineage) -> int:
    store = MetadataStore(lineage.connection_config())
    kind = store.put_execution_type(mlmd.ExecutionType(name="Trainer"))
    return store.put_executions([mlmd.Execution(type_id=kind)])[0]


@pytest.mark.parametrize("folder", ["Trainer/model/1203", "Trainer/.system/executor_execution/1203"])
def test_a_new_store_skips_the_ids_of_all_folders(lineage, tmp_path, folder):
    artifacts = tmp_path / "artifacts"
    for name in (
        folder,
        "Schema/schema/2",
        "Trainer/model/12034-old",
        "Trainer/model/5/Split-train/77777",
        DRIVER,
    ):
        (artifacts / name).mkdir(parents=True)
    assert reserve_ids(lineage, artifacts) == 1203
    assert execute(lineage) == 1204
    lost = MetadataStore(lineage.connection_config()).get_executions_by_type(LOST)
    assert len(lost) == 1203
    assert reserve_ids(lineage, artifacts) == 0


def test_a_store_from_a_backup_skips_what_came_after_it(lineage, tmp_path):
    assert [execute(lineage), execute(lineage)] == [1, 2]
    (tmp_path / "artifacts" / "Pusher" / "pushed_model" / "7").mkdir(parents=True)
    assert reserve_ids(lineage, tmp_path / "artifacts") == 5
    assert execute(lineage) == 8


def test_a_store_that_has_all_executions_stays_as_it_is(lineage, tmp_path):
    assert [execute(lineage), execute(lineage)] == [1, 2]
    (tmp_path / "artifacts" / "Pusher" / "pushed_model" / "2").mkdir(parents=True)
    assert reserve_ids(lineage, tmp_path / "artifacts") == 0
    assert execute(lineage) == 3


def test_before_the_first_run_there_is_no_store(lineage, tmp_path):
    assert reserve_ids(lineage, tmp_path / "artifacts") == 0
    assert not lineage.exists()

"""Which model a candidate is compared with, on real folders, a real version store and a real resolver run."""

import dataclasses
from pathlib import Path

import pytest
from tfx.components.evaluator import constants
from tfx.dsl.components.common.importer import Importer
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types import Channel, standard_artifacts

from components.evaluator.approval import APPROVED_BY
from components.evaluator.baseline import ProductionModelStrategy, baseline_resolver
from serving.manifest import Facts
from serving.versions import VersionStore


@dataclasses.dataclass
class Shop:
    """Models by number, their blessings, and the store they are pushed to."""

    folder: Path

    def __post_init__(self) -> None:
        self.models: dict[int, standard_artifacts.Model] = {}
        self.blessings: list[standard_artifacts.ModelBlessing] = []
        self.store = VersionStore(self.folder / "store")

    def train(self, number: int, *, content: str | None = None, blessed: bool | None = True) -> None:
        model = standard_artifacts.Model()
        model.id, model.uri = number, str(self.folder / f"model-{number}")
        export = Path(model.uri, "Format-Serving")
        export.mkdir(parents=True)
        (export / "saved_model.pb").write_text(content or f"model {number}")
        self.models[number] = model
        if blessed is not None:
            self.bless(number, blessed=blessed)

    def bless(self, number: int, *, blessed: bool = True, approved_by: str | None = None) -> None:
        blessing = standard_artifacts.ModelBlessing()
        blessing.id = 100 + len(self.blessings)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, number)
        if approved_by:
            blessing.set_string_custom_property(APPROVED_BY, approved_by)
        self.blessings.append(blessing)

    def push(self, number: int) -> None:
        self.store.push(Path(self.models[number].uri, "Format-Serving"), Facts())

    def baseline_of(self, number: int, *, store_root: str | None = None) -> int | None:
        """The number of the model that `number` is compared with."""
        strategy = ProductionModelStrategy(self.store.root if store_root is None else store_root)
        found = strategy.resolve_artifacts(
            None,
            {
                "model": list(self.models.values()),
                "model_blessing": list(self.blessings),
                "candidate": [self.models[number]],
            },
        )
        assert found["candidate"] == []
        assert len(found["model"]) == len(found["model_blessing"])
        return found["model"][0].id if found["model"] else None


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop(tmp_path)


def test_the_first_model_has_no_baseline_and_neither_has_its_unchanged_second_run(shop):
    shop.train(1, blessed=None)
    assert shop.baseline_of(1) is None
    shop.bless(1)
    shop.push(1)

    assert shop.baseline_of(1) is None


def test_a_second_model_is_compared_with_the_live_one_however_often_it_runs(shop):
    shop.train(1)
    shop.push(1)
    shop.train(2)
    assert shop.baseline_of(2) == 1
    shop.push(2)

    assert shop.baseline_of(2) == 1


def test_after_a_rollback_the_live_model_counts_not_the_one_blessed_last(shop):
    for number in (1, 2):
        shop.train(number)
        shop.push(number)
    shop.store.rollback("too slow")
    shop.train(3, blessed=None)

    assert shop.baseline_of(3) == 1
    # The model that went back into production is not compared with the one that was rolled back.
    assert shop.baseline_of(1) is None


def test_a_refused_model_is_no_baseline(shop):
    shop.train(1)
    shop.push(1)
    shop.train(2, blessed=False)
    shop.train(3, blessed=None)

    assert shop.baseline_of(3) == 1


def test_without_anything_live_the_model_blessed_last_counts(shop):
    for number in (1, 2, 3):
        shop.train(number)

    assert shop.baseline_of(3) == 2
    assert shop.baseline_of(2) == 3
    assert shop.baseline_of(3, store_root="") == 2


def test_the_same_content_trained_again_is_not_asked_to_beat_itself(shop):
    shop.train(1, content="the same")
    shop.push(1)
    shop.train(2, content="the same", blessed=None)

    assert shop.baseline_of(2) is None


def test_a_deleted_model_is_still_the_baseline_so_that_the_verdict_can_say_so(shop):
    shop.train(1)
    Path(shop.models[1].uri, "Format-Serving", "saved_model.pb").unlink()
    shop.train(2, blessed=None)

    assert shop.baseline_of(2) == 1


def test_an_approved_model_is_not_compared_again_but_others_are_compared_with_it(shop):
    shop.train(1)
    shop.train(2, content="approved", blessed=False)
    shop.bless(2, approved_by="ada")
    assert shop.baseline_of(2) is None
    shop.bless(2)
    shop.train(3, content="approved", blessed=None)
    shop.train(4, blessed=None)

    assert shop.baseline_of(2) is None
    assert shop.baseline_of(3) is None
    assert shop.baseline_of(4) == 2


def test_a_store_that_cannot_be_read_leaves_the_model_blessed_last(shop, tmp_path):
    shop.train(1)
    shop.train(2, blessed=None)
    file = tmp_path / "file"
    file.write_text("")

    assert shop.baseline_of(2, store_root=str(file / "store")) == 1


def test_kubeflow_gets_the_strategy_and_channels_that_it_knows():
    candidate = Channel(type=standard_artifacts.Model)
    stage = baseline_resolver(candidate=candidate, strategy=LatestBlessedModelStrategy)

    assert stage.exec_properties["resolver_class"] is LatestBlessedModelStrategy
    assert set(stage.outputs) == {"model", "model_blessing"}


@pytest.fixture(scope="module")
def resolved(tmp_path_factory) -> list[list[str]]:
    """The names of what two runs of a real pipeline found; the first model is blessed by hand."""
    folder = tmp_path_factory.mktemp("pipeline")
    config = metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite"))
    found = []
    for number in (1, 2):
        uri = folder / f"model-{number}"
        (uri / "Format-Serving").mkdir(parents=True)
        (uri / "Format-Serving" / "saved_model.pb").write_text(str(number))
        model = Importer(source_uri=str(uri), artifact_type=standard_artifacts.Model).with_id("Trained")
        blessing = Importer(
            source_uri=str(folder / f"blessing-{number}"),
            artifact_type=standard_artifacts.ModelBlessing,
            custom_properties={"blessed": 1, "current_model_id": 1},
        ).with_id("Blessed")
        blessing.add_upstream_node(model)  # so that the first model has the id 1
        production = baseline_resolver(
            candidate=model.outputs["result"],
            strategy=ProductionModelStrategy,
            store_root=str(folder / "store"),
        )
        production.add_upstream_node(blessing)
        LocalDagRunner().run(
            Pipeline(
                pipeline_name="baseline",
                pipeline_root=str(folder),
                metadata_connection_config=config,
                components=[model, blessing, production],
            )
        )
        with metadata.Metadata(config) as handle:
            executions = handle.store.get_executions_by_type("tfx.dsl.components.common.resolver.Resolver")
            events = handle.store.get_events_by_execution_ids([executions[-1].id])
            outputs = handle.store.get_artifacts_by_id([event.artifact_id for event in events])
        found.append(sorted(Path(artifact.uri).name for artifact in outputs))
    return found


def test_tfx_runs_the_strategy_and_records_what_it_found(resolved):
    assert resolved == [[], ["blessing-2", "model-1"]]

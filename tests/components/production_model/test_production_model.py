"""Which version a candidate is compared with, on real folders, a real version store and real TFX runs."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from obstore.store import MemoryStore
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts

from components.errors import GreenlightError
from components.no_model import is_none, problem_of
from components.production_model.choice import NOTHING, key_of
from components.production_model.component import ProductionModel
from components.production_model.executor import Executor, damage_of, find
from serving.storage.objects import ObjectFiles
from serving.store.manifest import MANIFEST_NAME, Facts
from serving.versions import VersionStore


@dataclasses.dataclass
class Shop:
    """Trained models by their content, and the store they are pushed to."""

    folder: Path

    def __post_init__(self) -> None:
        self.store = VersionStore(self.folder / "store")

    def trained(self, content: str) -> standard_artifacts.Model:
        model = standard_artifacts.Model()
        model.uri = str(self.folder / content)
        export = Path(model.uri, "Format-Serving")
        export.mkdir(parents=True, exist_ok=True)
        (export / "saved_model.pb").write_text(content)
        return model

    def push(self, content: str, facts: Facts | None = None) -> int:
        folder = Path(self.trained(content).uri, "Format-Serving")
        return self.store.push(folder, facts or Facts()).version

    def compared_with(self, content: str) -> int | None:
        """The number of the version that a model is compared with."""
        found = find(self.store.root, {"candidate": [self.trained(content)]})
        return found.number if found else None

    def fetched(self, content: str, *, found: str = "", **more: str) -> standard_artifacts.Model:
        """What the stage makes, its driver having found `found`."""
        output = standard_artifacts.Model()
        output.uri = str(self.folder / f"for-{content}")
        properties = {"store_root": self.store.root, "found": found, **more}
        Executor().Do({"candidate": [self.trained(content)]}, {"model": [output]}, properties)
        return output


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop(tmp_path)


# --- which one


def test_the_first_model_is_compared_with_nothing_and_neither_is_its_unchanged_second_run(shop):
    assert shop.compared_with("a") is None
    shop.push("a")
    assert shop.compared_with("a") is None


def test_a_second_model_is_compared_with_the_live_one_however_often_it_runs(shop):
    shop.push("a")
    assert shop.compared_with("b") == 1
    shop.push("b")
    assert shop.compared_with("b") == 1


def test_after_a_rollback_the_live_model_counts_not_the_one_pushed_last(shop):
    shop.push("a")
    shop.push("b")
    shop.store.rollback("too slow")
    assert shop.compared_with("c") == 1
    # The model that went back into production is not compared with the one that was rolled back.
    assert shop.compared_with("a") is None


def test_what_was_rolled_back_counts_under_no_number(shop):
    for content in ("a", "b", "a"):
        shop.push(content)
    shop.store.rollback("too slow")
    assert shop.compared_with("b") is None
    assert shop.compared_with("c") == 2


def test_a_model_that_a_person_made_live_again_counts(shop):
    for content in ("a", "b"):
        shop.push(content)
    shop.store.promote(1, "a person prefers it")
    assert shop.compared_with("c") == 3
    assert shop.compared_with("b") == 3


def test_the_same_content_trained_again_is_not_asked_to_beat_itself(shop):
    shop.push("a")
    shop.push("b")
    shop.push("a")
    assert shop.compared_with("a") == 2


def test_an_approved_model_is_not_compared_again_but_others_are_compared_with_it(shop):
    shop.push("a")
    shop.push("approved", Facts(approval={"by": "ada"}))
    assert shop.compared_with("approved") is None
    assert shop.compared_with("b") == 2


def test_a_damaged_live_version_is_still_the_baseline_so_that_the_verdict_can_say_so(shop):
    shop.push("a")
    shop.push("b")
    Path(shop.store.live().path, "saved_model.pb").write_text("damaged")
    assert shop.compared_with("c") == 2


def test_a_store_that_cannot_be_read_stops_the_run_in_words(shop, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GreenlightError, match="version store"):
        find(str(tmp_path / "file" / "store"), {"candidate": [shop.trained("a")]})


# --- the artifact


def test_the_version_is_copied_so_that_it_is_there_whatever_happens_to_the_store(shop):
    shop.push("a")
    model = shop.fetched("b")
    shutil.rmtree(shop.store.root)
    assert Path(model.uri, "Format-Serving", "saved_model.pb").read_text() == "a"
    assert not is_none(model)
    assert model.get_string_custom_property("version") == "1"


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: path.write_text("x"), "saved_model.pb was changed: its sha256 is not the manifest's"),
        (lambda path: path.unlink(), "saved_model.pb is missing"),
        (lambda path: path.with_name("more").touch(), "more is not in the manifest"),
    ],
)
def test_a_damaged_version_is_not_loaded_and_the_artifact_says_why(shop, monkeypatch, damage, problem):
    shop.push("a")
    version = shop.store.live()
    damage(Path(version.path, "saved_model.pb"))
    monkeypatch.setattr("components.production_model.executor.find", lambda root, inputs: version)
    model = shop.fetched("b")
    assert not is_none(model)
    assert problem_of(model) == f"it does not match its manifest: {problem}"
    assert [path.name for path in Path(model.uri, "Format-Serving").iterdir()] == [MANIFEST_NAME]


def test_a_version_without_the_signature_of_the_key_is_not_loaded(shop, tmp_path):
    key = tmp_path / "public.pem"
    key.write_bytes(
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    shop.push("a")
    assert problem_of(shop.fetched("b")) is None
    assert "model.sig is missing: the version is not signed" in problem_of(
        shop.fetched("c", public_key=str(key))
    )


def test_nothing_in_production_is_an_artifact_that_says_so(shop):
    model = shop.fetched("a")
    assert is_none(model)
    assert [path.name for path in Path(model.uri).iterdir()] == ["NO_MODEL"]


def test_any_other_model_is_one(shop):
    assert not is_none(shop.trained("a"))


def test_a_store_that_changed_after_the_cache_was_asked_stops_the_run(shop):
    shop.push("a")
    with pytest.raises(GreenlightError, match=r"was changed while the run was looking .* Run again\."):
        shop.fetched("b", found=NOTHING)
    live = shop.store.live()
    assert shop.fetched("b", found=key_of(live)).get_string_custom_property("version") == "1"


# --- the cache


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[tuple[str, str]]:
    """State and output of the stage in six runs with one candidate, the store changing between them."""
    shop = Shop(tmp_path_factory.mktemp("runs"))
    config = metadata.sqlite_metadata_connection_config(str(shop.folder / "metadata.sqlite"))
    shop.trained("candidate")
    told = []

    def write(content: str) -> None:
        Path(shop.store.path(2), "saved_model.pb").write_text(content)

    for change in (
        lambda: None,
        lambda: shop.push("a"),
        lambda: None,
        lambda: shop.push("b"),
        lambda: write("x"),
        lambda: write("b"),
    ):
        change()
        candidate = Importer(
            source_uri=str(shop.folder / "candidate"), artifact_type=standard_artifacts.Model
        ).with_id("Trained")
        stage = ProductionModel(candidate=candidate.outputs["result"], store_root=shop.store.root)
        LocalDagRunner().run(
            Pipeline(
                pipeline_name="production",
                pipeline_root=str(shop.folder / "artifacts"),
                metadata_connection_config=config,
                components=[candidate, stage],
                enable_cache=True,
            )
        )
        with metadata.Metadata(config) as handle:
            execution = handle.store.get_executions()[-1]
            events = handle.store.get_events_by_execution_ids([execution.id])
            artifacts = handle.store.get_artifacts_by_id([event.artifact_id for event in events])
        (version,) = (
            each.custom_properties["version"].string_value
            for each in artifacts
            if "version" in each.custom_properties
        )
        damaged = any("problem" in each.custom_properties for each in artifacts)
        told.append((execution.last_known_state == execution.CACHED, "damaged" if damaged else version))
    return told


def test_it_is_taken_from_the_cache_exactly_while_the_store_would_answer_the_same(runs):
    assert runs == [(False, ""), (False, "1"), (True, "1"), (False, "2"), (False, "damaged"), (True, "2")]


def test_before_training_there_is_no_candidate_and_the_live_model_is_found(shop):
    assert find(shop.store.root, {}) is None
    shop.push("a")
    shop.push("b")
    assert find(shop.store.root, {}).number == 2
    shop.store.rollback()
    assert find(shop.store.root, {}).number == 1


def test_a_version_in_a_bucket_is_fetched_once_to_verify_it(shop, monkeypatch):
    shop.trained("a")
    fetched, bucket = [], ObjectFiles(MemoryStore())
    store = VersionStore("s3://models/mail", files=bucket, verifier=_Unsigned())
    store.push(shop.folder / "a" / "Format-Serving", Facts())
    chunks = bucket.chunks
    monkeypatch.setattr(bucket, "chunks", lambda path: fetched.append(path) or chunks(path))
    assert "model.sig is missing" in damage_of(store.live(), store)
    assert fetched.count("s3://models/mail/1/saved_model.pb") == 1


class _Unsigned:
    def problem(self, folder: Path) -> str:
        return f"is missing in {folder.name}"

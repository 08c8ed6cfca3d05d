"""The record of the reviews that a model has seen."""

import io
import json

import numpy as np
import pyarrow as pa
import pytest
from example_files import write_examples
from pyarrow import parquet
from tfx.types import artifact_utils, standard_artifacts

from components.class_names import DATA_SETTINGS
from components.evaluator.exposure import training_reviews
from components.evaluator.exposure.data_settings import SPANS, data_of, differences
from components.evaluator.exposure.production import training_of
from components.evaluator.exposure.training_reviews import TrainingReviews, UnusableRecord, hashes
from components.example_gen.settings import DataSettings
from components.reviews import TEXT, canonical, to_example
from serving.store.manifest import MANIFEST_NAME, REVIEWS_NAME, Facts
from serving.versions import VersionStore


def record(**texts: list[str]) -> TrainingReviews:
    return TrainingReviews({use: np.unique(hashes(found)) for use, found in texts.items()})


def test_texts_are_one_review_exactly_where_their_normal_forms_are_one():
    written = ["A fine  film.", "a FINE film.", "A fine<br />film.", "\ufb01ne film", "fine film", "another"]
    forms, found = [canonical(text) for text in written], hashes(written)
    assert found.dtype == np.uint64
    for one in range(len(written)):
        for other in range(len(written)):
            assert (found[one] == found[other]) == (forms[one] == forms[other])


def test_a_record_is_read_back_as_it_was():
    kept = TrainingReviews.from_bytes(record(train=["a", "b"], eval=["c"]).to_bytes())
    assert kept.seen(hashes(["a", "b", "c", "d"])).tolist() == [True, True, True, False]
    assert {use: len(known) for use, known in kept.by_use.items()} == {"train": 2, "eval": 1}
    assert kept.without("eval").seen(hashes(["c"])).tolist() == [False]


def test_a_record_is_a_table_of_hashes_in_order_with_their_uses():
    of_a_film = 0xE083ACDE0DA0241A
    kept = record(train=["a film", "b"], eval=["c"])
    table = parquet.read_table(io.BytesIO(kept.to_bytes()))
    digest = table["digest"].to_numpy()
    assert table.schema.field("digest").type == pa.uint64()
    assert digest.tolist() == sorted(hashes(["a film", "b", "c"]).tolist())
    assert table["use"].to_pylist()[digest.tolist().index(int(hashes(["c"])[0]))] == "eval"
    assert hashes(["A film."]).tolist() == [of_a_film]  # in the records of all versions


def test_a_model_that_has_seen_nothing_has_a_record():
    kept = TrainingReviews.from_bytes(TrainingReviews({}).to_bytes())
    assert kept.by_use == {} and kept.seen(hashes(["a"])).tolist() == [False]
    schema = parquet.read_table(io.BytesIO(TrainingReviews({}).to_bytes())).schema
    assert (schema.field("digest").type, schema.field("use").type.value_type) == (pa.uint64(), pa.string())


def uses(reviews: TrainingReviews) -> dict[str, set[int]]:
    assert all(np.all(np.diff(known.astype(object)) > 0) for known in reviews.by_use.values())
    return {use: set(known.tolist()) for use, known in reviews.by_use.items()}


def test_what_an_earlier_model_has_seen_is_kept_by_what_it_did_with_it():
    first = record(train=["a"], eval=["b"])
    second = record(train=["c"], eval=["d"]).including(first)
    third = record(train=["e"]).including(second)
    a, b, c, d, e = ({int(each)} for each in hashes(["a", "b", "c", "d", "e"]))
    assert uses(second) == {"train": c, "eval": d, "earlier": a, "earlier eval": b}
    assert uses(third) == {"train": e, "earlier": a | c, "earlier eval": b | d}

    assert uses(second.without("eval")) == {"train": c, "earlier": a}
    assert uses(second.without("train")) == {"eval": d, "earlier eval": b}
    assert uses(second.without("test")) == uses(second)


def examples_in(folder, **splits: list[str]) -> standard_artifacts.Examples:
    found = standard_artifacts.Examples()
    found.uri, found.split_names = str(folder), artifact_utils.encode_split_names(list(splits))
    for split, texts in splits.items():
        write_examples(folder / f"Split-{split}" / "data-0.gz", [(text, 1) for text in texts])
    return found


def test_the_record_of_a_training_has_the_splits_it_used_of_all_its_examples(tmp_path):
    many = [str(number) for number in range(1500)]  # more than one batch
    one = examples_in(tmp_path / "one", train=[*many, "A.", "a"], test=["t"])
    other = examples_in(tmp_path / "other", train=["b"], test=["u"])
    found = TrainingReviews.of_examples([one, other], ["train", "eval"])
    assert uses(found) == {"train": set(hashes([*many, "a", "b"]).tolist())}


def test_bytes_that_are_not_utf_8_are_reviews_too(tmp_path):
    odd = to_example("caf", 1)
    odd.features.feature[TEXT].bytes_list.value[0] += b"\xe9"
    examples = examples_in(tmp_path, train=[])
    write_examples(tmp_path / "Split-train" / "data-0.gz", [odd])
    assert uses(TrainingReviews.of_examples([examples], ["train"])) == {
        "train": {int(hashes(["caf\ufffd"])[0])}
    }


def test_the_data_of_a_training_are_its_settings_and_spans(tmp_path):
    older = standard_artifacts.Examples()
    newer = standard_artifacts.Examples()
    newer.set_string_custom_property(DATA_SETTINGS, json.dumps({"limit": 5}))
    newer.set_string_custom_property(SPANS, json.dumps([{"span": 3, "rows": 7}, {"span": 1, "rows": 2}]))
    assert data_of([older]) == {}
    assert data_of([older, newer]) == {"settings": {"limit": 5}, "spans": [3, 1]}


def test_a_record_is_the_same_in_every_run_and_small():
    texts = [str(number) for number in range(20_000)]
    content = record(train=texts).to_bytes()
    assert content == record(train=texts[::-1]).to_bytes()
    assert len(content) < 12 * len(texts)


def test_a_record_of_another_normal_form_is_not_compared(monkeypatch):
    content = record(train=["a"]).to_bytes()
    monkeypatch.setattr(training_reviews, "canonical", str.upper)
    training_reviews.normal_form.cache_clear()
    try:
        with pytest.raises(UnusableRecord) as caught:
            TrainingReviews.from_bytes(content)
        assert str(caught.value) == (
            "its record of training examples was written by another version of Greenlight, which tells "
            "examples apart in another way"
        )
    finally:
        training_reviews.normal_form.cache_clear()


def table(**columns) -> bytes:
    written = io.BytesIO()
    parquet.write_table(pa.table(columns), written)
    return written.getvalue()


@pytest.mark.parametrize("content", [b"", b"PAR1 torn", table(digest=[1], use=["train"]), table(a=[1])])
def test_a_damaged_record_is_called_that(content):
    with pytest.raises(UnusableRecord, match="its record of training examples cannot be read"):
        TrainingReviews.from_bytes(content)


@pytest.fixture
def version(tmp_path):
    """The folder of a published version with a record."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_text("a model")
    (tmp_path / "record").write_bytes(record(train=["a"]).to_bytes())
    store = VersionStore(tmp_path / "store")
    facts = Facts(data={"settings": {"split_salt": "1"}})
    store.push(tmp_path / "model", facts, records={REVIEWS_NAME: str(tmp_path / "record")})
    return tmp_path / "store" / "1"


def test_a_version_tells_its_reviews_and_its_data(version):
    found = training_of(str(version))
    assert found.reviews.seen(hashes(["a", "b"])).tolist() == [True, False]
    assert (found.problem, found.data) == (None, {"settings": {"split_salt": "1"}})


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (
            lambda version: (version / REVIEWS_NAME).unlink(),
            f"{REVIEWS_NAME}, its record of training examples, is missing",
        ),
        (
            lambda version: (version / REVIEWS_NAME).write_bytes(record().to_bytes()),
            f"{REVIEWS_NAME}, its record of training examples, was changed since the push",
        ),
        (lambda version: (version / MANIFEST_NAME).unlink(), "it has no manifest"),
        (lambda version: (version / MANIFEST_NAME).write_text("{"), "its manifest is not valid JSON"),
    ],
)
def test_a_version_whose_record_cannot_be_used_says_why(version, damage, problem):
    damage(version)
    found = training_of(str(version))
    assert (found.reviews, found.problem) == (None, problem)


def test_a_version_without_a_record_tells_its_data(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_text("a model")
    VersionStore(tmp_path / "store").push(tmp_path / "model", Facts(data={"spans": [1]}))
    found = training_of(str(tmp_path / "store" / "1"))
    assert (found.reviews, found.data) == (None, {"spans": [1]})
    assert found.problem == "it was pushed before that was recorded"


def test_every_setting_that_differs_is_named_and_the_window_too():
    before = {
        "settings": {"split_salt": "6767", "label_column": "label", "limit": None},
        "spans": [1, 2, 3, 5],
    }
    now = {"settings": {"split_salt": "6767", "label_column": "stars", "limit": 10}, "spans": [2, 3, 4]}
    assert list(differences(before, now)) == [
        'data.label_column changed from "label" to "stars"',
        "data.limit changed from unset to 10",
        "the spans changed: 1 to 3, 5 before, 2 to 4 now",
    ]
    assert list(differences(before, before)) == []
    cut = {"settings": {**before["settings"], "threshold": 0.7}}  # as an older version wrote it
    assert list(differences(before | cut, before)) == []
    assert list(differences({}, now)) == list(differences(before, {})) == []
    unknown = {"settings": {"label": "\u00e9"}}
    assert list(differences({"spans": [4, 2]}, unknown)) == [
        'data.label changed from unset to "\u00e9"',
        "the spans changed: 2, 4 before, none now",
    ]
    assert list(differences(unknown, {"other": 1})) == ['data.label changed from "\u00e9" to unset']


def test_a_setting_that_an_older_release_did_not_have_is_no_difference():
    now = {"settings": DataSettings().model_dump(mode="json")}
    before = {"settings": {name: value for name, value in now["settings"].items() if name != "threshold"}}
    assert list(differences(before, now)) == []
    assert list(differences(before, {"settings": now["settings"] | {"slice_columns": ["lang"]}})) == [
        'data.slice_columns changed from [] to ["lang"]'
    ]

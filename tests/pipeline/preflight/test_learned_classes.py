"""`data.classes = "auto"` before a run: what is learned, shown and refused."""

import json

import pytest

from components.batch_prediction.unlabeled import Wanted
from components.errors import InputError
from components.example_gen.formats.labels import ACCEPTED
from components.example_gen.settings import DataSettings
from pipeline.config import load
from pipeline.preflight.classes import with_learned_classes
from pipeline.preflight.training import require_study


@pytest.fixture
def settings(tmp_path):
    def of(labels: list[str], *assignments: str):
        rows = [json.dumps({"text": f"row {number}", "label": label}) for number, label in enumerate(labels)]
        (tmp_path / "rows.jsonl").write_text("\n".join(rows))
        return load(assignments=[f"data.source=files:{tmp_path}/rows.jsonl", *assignments])

    return of


def test_the_names_are_learned_and_told(settings):
    told = []
    found = with_learned_classes(settings(["b", "C", "a", "b"], "data.classes=auto"), tell=told.append)
    assert found.data.class_names == ("a", "b", "C")
    assert told == [
        'Classes learned from the labels (data.classes = "auto"): a (1 rows), b (2 rows), C (1 rows)'
    ]


def test_names_that_are_given_are_left_as_they_are(settings):
    given = settings(["b", "a"])
    assert with_learned_classes(given, tell=lambda _: pytest.fail("nothing to tell")) is given


def test_packaged_reviews_cannot_tell_their_classes():
    with pytest.raises(InputError, match="learns from files and spans alone; packaged cannot tell"):
        with_learned_classes(load(assignments=["data.classes=auto"]), tell=lambda _: None)


def test_names_that_are_not_learned_yet_are_asked_for():
    data = load(assignments=["data.classes=auto"]).data
    with pytest.raises(InputError, match="learns the names from the files of a run"):
        _ = data.class_names
    assert Wanted.of(data).labels is ACCEPTED  # a prediction needs no names


def test_a_study_of_more_than_two_classes_is_refused(settings):
    given = settings(["a", "b", "c"], 'data.classes=["a", "b", "c"]')
    with pytest.raises(InputError, match="`greenlight study` compares fits on two classes"):
        require_study(given)


def test_a_setting_that_the_learned_classes_do_not_go_with_is_an_input_error():
    data = DataSettings(source="files:x.csv", classes="auto", threshold=0.7)
    assert data.with_classes(["ham", "spam"]).class_names == ("ham", "spam")
    with pytest.raises(InputError, match=r"The 3 classes do not go with .*: threshold is of two classes"):
        data.with_classes(["a", "b", "c"])

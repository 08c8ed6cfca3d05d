"""A span with a label of which the live model has no class, where classes are learned from the files."""

import csv
import threading

import pytest
from multiclass_model import NAMES, save_multiclass_model

from pipeline.config import Settings, load
from pipeline.retraining import measuring
from pipeline.retraining.model_client import LiveModel
from pipeline.retraining.policy.records import SpanContent
from serving.store.manifest import Facts
from serving.versions import VersionStore

CLASSES = sorted(NAMES)
REASON = (
    "3 rows have labels that are new: Survey (2), poll (1). Version 1, which is live, learned the classes "
    'ham, offer, spam (data.classes = "auto"), and retraining adds no class by itself. To add them, set '
    'data.classes = ["ham", "offer", "spam", "Survey", "poll"] in greenlight.toml. If they are mistakes, '
    'correct them in the files; or set data.classes = ["ham", "offer", "spam"], and data.max_bad_share to '
    "the share of rows that may be left out. After a change of settings, `greenlight retrain --release 2 "
    "--reason TEXT` reads the span again."
)


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Two spans, of which the second has new labels, and a live model of three learned classes."""
    spans = {1: CLASSES * 4, 2: [*CLASSES * 4, "Survey", "Survey", "poll", "NaN", ""]}
    for number, labels in spans.items():
        file = tmp_path / "spans" / f"span-{number}" / "mail.csv"
        file.parent.mkdir(parents=True)
        rows = [(f"{label} number {place}", label) for place, label in enumerate(labels)]
        with file.open("w", newline="", encoding="utf-8") as opened:
            csv.writer(opened).writerows([("text", "label"), *rows])
    save_multiclass_model(tmp_path / "model", tuple(CLASSES))
    store = VersionStore(str(tmp_path / "workspace" / "serving" / "mail"))
    store.create()
    store.push(str(tmp_path / "model"), Facts(data={"settings": {"classes": CLASSES}}))
    source = f"data.source=files:{tmp_path}/spans/span-{{SPAN}}/*.csv"
    return load(
        assignments=[f"workspace={tmp_path}/workspace", "model_name=mail", source, "data.classes=auto"]
    )


def test_what_is_new_is_named_with_its_rows_and_what_to_do(settings):
    assert measuring.examine(settings, 2) == {"problem": REASON}


def test_a_span_of_the_known_classes_is_compared(settings):
    told = measuring.examine(settings, 1)
    assert (told["rows"], told["live"], told["accuracy"]) == (12, 1, 1.0)


def test_the_settings_of_the_message_are_taken(settings):
    wider = settings.model_copy(update={"data": settings.data.with_classes([*CLASSES, "Survey", "poll"])})
    wider = wider.model_copy(update={"data": wider.data.model_copy(update={"max_bad_share": 0.2})})
    told = measuring.examine(wider, 2)
    assert (told["rows"], told["accuracy"]) == (15, 1.0)
    fewer = settings.data.with_classes(CLASSES).model_copy(update={"max_bad_share": 0.3})
    told = measuring.examine(settings.model_copy(update={"data": fewer}), 2)
    assert (told["rows"], told["accuracy"]) == (12, 1.0)


@pytest.mark.proof
def test_retraining_asks_for_both_spans_in_a_process_of_its_own(settings):
    live = LiveModel(settings, stop=threading.Event())
    known, new = (live.span(SpanContent(number, "content"), live=1) for number in (1, 2))
    assert (known.problem, known.accuracy) == (None, 1.0)
    assert new.problem == REASON

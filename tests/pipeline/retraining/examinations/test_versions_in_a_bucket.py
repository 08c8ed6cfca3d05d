"""A span that is measured with versions that are kept in a bucket."""

import csv

import pytest
from multiclass_model import NAMES, save_multiclass_model
from obstore.store import MemoryStore

from pipeline.config import load
from pipeline.retraining import measuring
from serving.storage.objects import ObjectFiles
from serving.store.manifest import Facts
from serving.versions import VersionStore

CLASSES = sorted(NAMES)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    bucket = MemoryStore()
    monkeypatch.setattr("serving.versions.files_for", lambda root, **options: ObjectFiles(bucket))
    with (tmp_path / "span-1.csv").open("w", newline="", encoding="utf-8") as opened:
        rows = [(f"{label} number {place}", label) for place, label in enumerate(CLASSES * 4)]
        csv.writer(opened).writerows([("text", "label"), *rows])
    save_multiclass_model(tmp_path / "model", tuple(CLASSES))
    store = VersionStore("s3://models/mail")
    store.push(str(tmp_path / "model"), Facts(data={"settings": {"classes": CLASSES}}))
    return load(
        assignments=[
            f"workspace={tmp_path}/workspace",
            "model_name=mail",
            "push.serving_root=s3://models",
            f"data.source=files:{tmp_path}/span-{{SPAN}}.csv",
            "data.classes=auto",
        ]
    )


def test_the_version_is_read_from_a_copy(settings):
    told = measuring.examine(settings, 1)
    assert (told["rows"], told["live"], told["accuracy"]) == (12, 1, 1.0)

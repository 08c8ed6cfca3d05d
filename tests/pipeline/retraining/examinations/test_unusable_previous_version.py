"""A span that is measured while the previous version may not be loaded: the comparison alone is left out."""

import csv
import dataclasses
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from multiclass_model import NAMES, save_multiclass_model

from components.errors import GreenlightError
from pipeline.alerts.outbox import Outbox
from pipeline.config import load
from pipeline.retraining import measuring
from pipeline.retraining.notifier import Notifier, history_line
from pipeline.retraining.paths import Paths
from pipeline.retraining.policy.clock import read_clock
from pipeline.retraining.policy.records import Examination, Examined, Record, SpanContent
from pipeline.settings.alerts import AlertSettings
from pipeline.workspace.layout import Workspace
from pipeline.workspace.version_store import store_root
from serving.store.manifest import Facts
from serving.store.signing import KeySigner
from serving.versions import VersionStore

CLASSES = sorted(NAMES)


@pytest.fixture
def keys(tmp_path):
    private = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "private.pem").write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    (tmp_path / "public.pem").write_bytes(
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return tmp_path / "private.pem", tmp_path / "public.pem"


@pytest.fixture
def settings(tmp_path, keys):
    with (tmp_path / "span-1.csv").open("w", newline="", encoding="utf-8") as opened:
        rows = [(f"{label} number {place}", label) for place, label in enumerate(CLASSES * 4)]
        csv.writer(opened).writerows([("text", "label"), *rows])
    return load(
        assignments=[
            f"workspace={tmp_path}/workspace",
            f"data.source=files:{tmp_path}/span-{{SPAN}}.csv",
            "data.classes=auto",
            f"push.public_key={keys[1]}",
        ]
    )


def push(folder, settings, *, signed_by=None):
    """Pushes another model, with another digest."""
    root = store_root(settings)
    model = folder / f"model-{len(VersionStore(root).versions())}"
    save_multiclass_model(model, tuple(CLASSES))
    (model / "assets").mkdir(exist_ok=True)
    (model / "assets" / "name").write_text(model.name)
    signer = KeySigner(signed_by) if signed_by else None
    VersionStore(root, signer=signer).push(str(model), Facts(data={"settings": {"classes": CLASSES}}))


def test_after_signing_was_switched_on_a_span_is_measured_without_the_unsigned_version(
    settings, keys, tmp_path
):
    push(tmp_path, settings)
    push(tmp_path, settings, signed_by=keys[0])
    assert [one.state for one in VersionStore(store_root(settings)).versions()] == ["live", "previous"]
    told = measuring.examine(settings, 1)
    assert (told["live"], told["accuracy"]) == (2, 1.0)
    assert told["previous"] is None and "previous_accuracy" not in told
    assert told["previous_problem"].startswith("Version 1 does not match its manifest and was not loaded: ")
    assert "Roll it back" not in told["previous_problem"]


def test_the_console_and_the_history_say_that_it_was_left_out(tmp_path):
    problem = "Version 1 does not match its manifest and was not loaded: model.sig is missing."
    span = SpanContent(3, "f")
    examination = Examination(span=span, rows=12, live=2, accuracy=1.0, previous_problem=problem)
    said = []
    paths, outbox = Paths(Workspace.at(tmp_path)), Outbox(AlertSettings(), tmp_path / "alerts")
    notifier = Notifier(model="m", paths=paths, outbox=outbox, say=said.append, live=lambda: 2)
    notifier.examined(examination)
    notifier.examined(dataclasses.replace(examination, previous_problem=None))
    (line,) = said
    assert line.endswith(f"span 3 is measured without the previous version: {problem}")
    record = Record(read_clock(), Examined(examination=examination))
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record
    assert history_line(record).endswith(
        f"version 2 gets 1.0000 right, measured without the previous version: {problem}"
    )


def test_a_signed_previous_version_is_compared(settings, keys, tmp_path):
    for _ in range(2):
        push(tmp_path, settings, signed_by=keys[0])
    told = measuring.examine(settings, 1)
    assert (told["previous"], told["previous_accuracy"]) == (1, 1.0)


def test_a_live_version_without_a_signature_still_fails(settings, keys, tmp_path):
    push(tmp_path, settings, signed_by=keys[0])
    push(tmp_path, settings)
    with pytest.raises(GreenlightError, match=r"^Version 2 does not match .* Roll it back\.$"):
        measuring.examine(settings, 1)

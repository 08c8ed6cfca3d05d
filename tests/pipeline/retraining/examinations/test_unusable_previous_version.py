"""A span that is measured while the previous version may not be loaded: the comparison alone is left out."""

import csv

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from multiclass_model import NAMES, save_multiclass_model

from components.errors import GreenlightError
from pipeline.config import load
from pipeline.retraining import measuring
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
    settings, keys, tmp_path, caplog
):
    push(tmp_path, settings)
    push(tmp_path, settings, signed_by=keys[0])
    assert [one.state for one in VersionStore(store_root(settings)).versions()] == ["live", "previous"]
    told = measuring.span(settings, 1)
    assert (told["live"], told["accuracy"]) == (2, 1.0)
    assert told["previous"] is None and "previous_accuracy" not in told
    assert "Version 1 does not match its manifest" in caplog.text
    assert "Roll it back" not in caplog.text


def test_a_signed_previous_version_is_compared(settings, keys, tmp_path):
    for _ in range(2):
        push(tmp_path, settings, signed_by=keys[0])
    told = measuring.span(settings, 1)
    assert (told["previous"], told["previous_accuracy"]) == (1, 1.0)


def test_a_live_version_without_a_signature_still_fails(settings, keys, tmp_path):
    push(tmp_path, settings, signed_by=keys[0])
    push(tmp_path, settings)
    with pytest.raises(GreenlightError, match=r"^Version 2 does not match .* Roll it back\.$"):
        measuring.span(settings, 1)

"""Signed versions: OpenSSF model signatures made with one key of a pair and checked with the other."""

import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from serving.errors import StoreError, StoreInputError
from serving.store.manifest import Facts
from serving.store.signing import KeySigner, KeyVerifier
from serving.versions import VersionStore


@pytest.fixture
def keys(tmp_path):
    """Paths of a private and a public key."""
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    plain = serialization.NoEncryption()
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, info))
    return private, public


@pytest.fixture
def model(tmp_path):
    """A folder that looks like a SavedModel."""
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text("graph")
    (folder / "variables" / "variables.index").write_text("index")
    return folder


@pytest.fixture
def signed(tmp_path, keys, model):
    """A store that signs and verifies, with version 1."""
    store = VersionStore(tmp_path / "store", signer=KeySigner(keys[0]), verifier=KeyVerifier(keys[1]))
    store.push(model, Facts(metrics={"accuracy": 0.88}))
    return store


def said(store, number=1):
    return [str(problem) for problem in store.verify(number)]


def test_signed_version_verifies(signed, tmp_path):
    assert (tmp_path / "store" / "1" / "model.sig").is_file()
    assert said(signed) == []


def test_signature_covers_the_manifest(signed, tmp_path):
    manifest = tmp_path / "store" / "1" / "greenlight.manifest.json"
    manifest.write_text(manifest.read_text().replace("0.88", "0.99"))
    (problem,) = said(signed)
    assert problem.startswith("version 1: model.sig does not fit the files and the key")
    assert "greenlight.manifest.json" in problem


def test_version_signed_by_someone_else_does_not_verify(signed, tmp_path, keys):
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    keys[1].write_bytes(other.public_bytes(serialization.Encoding.PEM, info))
    (problem,) = said(VersionStore(tmp_path / "store", verifier=KeyVerifier(keys[1])))
    assert "model.sig does not fit the files and the key" in problem


def test_unsigned_version_does_not_verify_where_a_key_is_given(tmp_path, keys, model):
    VersionStore(tmp_path / "store").push(model, Facts())
    store = VersionStore(tmp_path / "store", verifier=KeyVerifier(keys[1]))
    assert said(store) == [
        f"version 1: model.sig is missing: the version is not signed, but {keys[1]} asks for a signature"
    ]


def test_without_a_key_the_signature_is_left_alone(signed, tmp_path):
    assert said(VersionStore(tmp_path / "store")) == []


def test_promoted_copy_has_a_signature_of_its_own(signed, model):
    (model / "saved_model.pb").write_text("another graph")
    signed.push(model, Facts())
    signed.promote(1)
    assert said(signed, 3) == []


def test_signed_version_is_not_promoted_without_the_private_key(signed, tmp_path, model):
    (model / "saved_model.pb").write_text("another graph")
    signed.push(model, Facts())
    with pytest.raises(
        StoreInputError, match="version 1 is signed, and its copy needs a signature of its own"
    ):
        VersionStore(tmp_path / "store").promote(1)


def test_any_tool_for_model_signatures_can_check_a_version(signed, tmp_path, keys):
    version = tmp_path / "store" / "1"
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(version)]
    options = ["--signature", str(version / "model.sig"), "--public_key", str(keys[1])]
    ignored = ["--ignore-paths", str(version / "model.sig"), "--no-ignore-git-paths"]
    done = subprocess.run([*command, *options, *ignored], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_key_that_is_no_file_is_refused(tmp_path):
    with pytest.raises(StoreInputError, match=r"none\.pem is not a file: the private key must be a PEM file"):
        KeySigner(tmp_path / "none.pem")


def test_file_that_is_no_key_is_refused(keys):
    for path in keys:
        path.write_text("no key")
    with pytest.raises(StoreInputError, match=r"private\.pem is not a private key that can be used"):
        KeySigner(keys[0])
    with pytest.raises(StoreInputError, match=r"public\.pem is not a public key that can be used"):
        KeyVerifier(keys[1])


def test_missing_packages_are_named(keys, monkeypatch):
    monkeypatch.setitem(sys.modules, "model_signing.signing", None)
    with pytest.raises(StoreError, match="signatures need the packages model-signing and pyopenssl"):
        KeySigner(keys[0])

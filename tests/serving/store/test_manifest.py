"""The manifest: what it holds, what it refuses, and the digest that anyone can compute."""

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest

from serving.store.manifest import (
    Facts,
    FileEntry,
    FutureManifestError,
    Manifest,
    ManifestError,
    from_json,
    model_digest,
    to_json,
)
from serving.store.publish import from_folder

FILES = {
    "saved_model.pb": FileEntry(sha256="aa", size=3),
    "variables/variables.index": FileEntry(sha256="bb", size=5),
}


@pytest.fixture
def manifest() -> Manifest:
    facts = Facts(
        metrics={"accuracy": 0.88},
        verdict="promoted",
        conditions=({"metric": "accuracy", "threshold": 0.85, "passed": True},),
        run_id="20261122-101112.131415",
        data_fingerprint="d1",
        code_version="c1",
        greenlight_version="0.1.0",
        signatures={"serving_default": {"inputs": {"text": "string"}}},
    )
    return Manifest(version=7, created="2026-11-22T10:11:12Z", files=FILES, facts=facts, promoted_from=5)


def edited(manifest: Manifest, **changes) -> bytes:
    return json.dumps({**json.loads(to_json(manifest)), **changes}).encode()


def test_what_is_written_is_read_again(manifest):
    assert from_json(to_json(manifest)) == manifest


def test_written_form_has_a_format_and_the_model_digest(manifest):
    record = json.loads(to_json(manifest))
    assert record["format"] == 1
    assert record["model_digest"] == model_digest(FILES)
    assert record["files"]["saved_model.pb"] == {"sha256": "aa", "size": 3}


def test_fields_of_later_minor_additions_are_passed_over(manifest):
    assert from_json(edited(manifest, color="green")) == manifest


def test_manifest_from_the_future_is_refused(manifest):
    with pytest.raises(
        FutureManifestError, match="has format 2, and this Greenlight reads formats up to 1: update"
    ):
        from_json(edited(manifest, format=2))


def test_a_manifest_from_before_there_were_records_has_none(manifest):
    record = json.loads(to_json(manifest))
    del record["records"]
    assert from_json(json.dumps(record).encode()) == dataclasses.replace(manifest, records={})


def test_torn_manifest_is_refused(manifest):
    with pytest.raises(ManifestError, match="is not valid JSON"):
        from_json(to_json(manifest)[:100])


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"format": "one"}'])
def test_something_else_is_no_manifest(data):
    with pytest.raises(ManifestError, match=r"^has no format number$"):
        from_json(data)


def test_lacking_field_is_named(manifest):
    record = json.loads(to_json(manifest))
    del record["created"]
    with pytest.raises(ManifestError, match=r"lacks a field or holds a wrong one \('created'\)"):
        from_json(json.dumps(record).encode())


def test_changed_file_list_does_not_add_up(manifest):
    files = {"saved_model.pb": {"sha256": "cc", "size": 3}}
    with pytest.raises(ManifestError, match="do not add up to its own model digest"):
        from_json(edited(manifest, files=files))


def test_a_manifest_without_its_model_digest_is_refused(manifest):
    record = json.loads(to_json(manifest))
    del record["model_digest"]
    with pytest.raises(ManifestError, match="do not add up to its own model digest"):
        from_json(json.dumps(record).encode())


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "variables/../../x", "a\\b", ""])
def test_paths_that_lead_out_of_the_folder_are_refused(manifest, path):
    with pytest.raises(ManifestError, match="file path"):
        from_json(edited(manifest, files={path: {"sha256": "aa", "size": 3}}))


def test_facts_that_json_cannot_hold_are_refused(manifest):
    facts = dataclasses.replace(manifest.facts, metrics={"accuracy": float("nan")})
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        to_json(dataclasses.replace(manifest, facts=facts))


def test_digest_depends_on_paths_and_content_alone():
    assert model_digest(FILES) == model_digest(dict(reversed(FILES.items())))
    assert model_digest(FILES) != model_digest({**FILES, "extra": FileEntry(sha256="cc", size=0)})
    assert model_digest(FILES) != model_digest({"saved_model.pb": FILES["saved_model.pb"]})


def test_digest_is_what_the_documented_command_computes(tmp_path):
    for path in ("saved_model.pb", "variables/a", "variables/B", "assets/x y"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / "greenlight.manifest.json").write_text("no part of the model")
    document = Path(__file__).parents[3] / "docs" / "versions.md"
    command = next(line for line in document.read_text().splitlines() if line.startswith("find . "))
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    candidate = from_folder(str(tmp_path), Facts(), why="", force=False)
    assert candidate.digest == "sha256:" + done.stdout.split()[0]

"""The whole compiled file, as it was read and found good."""

import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).with_name("golden.yaml")


@pytest.fixture
def fixed_fingerprints(monkeypatch):
    """Stands in for the fingerprints of the code, which change with every edit of a source file."""
    for name, module in list(sys.modules.items()):
        if name.startswith("components.") and name != "components.example_gen.sources.parts":
            for function in {"code_fingerprint", "fingerprint"} & set(vars(module)):
                monkeypatch.setattr(module, function, lambda *parts: "FINGERPRINT")


def test_it_is_the_golden_file(compile_with, fixed_fingerprints, tmp_path):
    """After a change that is meant, copy as the message says, and read the difference."""
    found = compile_with("kubeflow.resources.Trainer={cpu=4, memory_gib=8}", "kubeflow.retries=1").to_yaml()
    written = tmp_path / GOLDEN.name
    written.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8"), f"to accept it: cp {written} {GOLDEN}"

"""The compiled file, as it was read and found good; the same with each TFX and on every Python."""

import json
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
                monkeypatch.setattr(module, function, lambda *parts, **where: "FINGERPRINT")


def without_versions(compiled):
    """Takes out of the spec what the generations of TFX and TFDV write differently: a version, and an option
    without a value that one of them has.
    """
    compiled.spec["sdkVersion"] = "tfx-VERSION"
    parameters = compiled.spec["root"]["dag"]["tasks"]["StatisticsGen"]["inputs"]["parameters"]
    value = parameters["stats_options_json"]["runtimeValue"]
    options = json.loads(value["constant"])
    if options.get("_slice_sqls") is None:
        options.pop("_slice_sqls", None)
    value["constant"] = json.dumps(options)
    return compiled


def without_declarations(compiled):
    """Takes out of the spec what TFX derives from each stage's own declaration, and kfp's loader checks."""
    for container in compiled.containers.values():
        where = container["args"].index("--json_serialized_inputs_spec_args")
        del container["args"][where : where + 2]
    del compiled.spec["components"]
    return compiled


def test_it_is_the_golden_file(compile_with, fixed_fingerprints, tmp_path):
    """After a change that is meant, copy as the message says, and read the difference."""
    compiled = compile_with("kubeflow.resources.Trainer={cpu=4, memory_gib=8}", "kubeflow.retries=1")
    found = without_declarations(without_versions(compiled)).to_yaml()
    written = tmp_path / GOLDEN.name
    written.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8"), f"to accept it: cp {written} {GOLDEN}"

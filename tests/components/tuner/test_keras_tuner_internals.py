"""KerasTuner's modules below `engine` are as the search uses them: see docs/private-apis.md."""

import importlib
import inspect

import pytest

PAGE = "see docs/private-apis.md and components/tuner/search.py"


@pytest.mark.parametrize(
    ("module", "name", "methods"),
    [
        ("base_tuner", "BaseTuner", ["run_trial", "search"]),
        ("trial", "Trial", []),
        ("trial", "TrialStatus", []),
    ],
)
def test_the_class_is_there_with_its_methods(module, name, methods):
    found = getattr(importlib.import_module(f"keras_tuner.engine.{module}"), name, None)
    assert found is not None, f"keras_tuner.engine.{module} has no {name} any more; {PAGE}"
    for method in methods:
        assert hasattr(found, method) or method in inspect.getsource(found), (
            f"KerasTuner's {name} has no {method} any more; {PAGE}"
        )
    if name == "TrialStatus":
        assert {"RUNNING", "STOPPED"} <= set(dir(found)), f"KerasTuner's {name} has other states; {PAGE}"

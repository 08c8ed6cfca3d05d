"""What a stage's fingerprint covers: the modules of ours that it imports, and the packages below."""

from pathlib import Path

import pytest

from components import fingerprints
from components.fingerprints import PACKAGES, code_fingerprint, imported_files
from components.packages import version_of

ROOT = Path(__file__).parents[2]
A_FEW_OF_EACH = {
    "components.data_check.component": {"components/data_check/executor.py", "components/reviews.py"},
    "components.data_check.statistics": {"components/reviews.py"},
    "components.evaluator.component": {"components/evaluator/judgment/judge.py", "components/no_model.py"},
    "components.example_gen.component": {"components/example_gen/sources/files.py", "components/reviews.py"},
    "components.infra_validator.component": {"components/infra_validator/checks.py"},
    "components.production_model.component": {"components/production_model/choice.py", "serving/versions.py"},
    "components.pusher.component": {"components/pusher/facts.py", "serving/store/publish.py"},
    "components.trainer.train": {"components/trainer/classifier/ngrams.py", "components/embeddings/load.py"},
    "components.tuner.search": {"components/tuner/fit_cache.py", "components/trainer/fitting.py"},
}


def names(*modules: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in imported_files(*modules)}


@pytest.mark.parametrize("stage", A_FEW_OF_EACH)
def test_a_stage_runs_again_when_a_module_that_it_imports_changes(stage):
    assert A_FEW_OF_EACH[stage] <= names(stage)


def test_a_push_does_not_depend_on_how_requests_are_answered():
    behind = names("components.pusher.component")
    assert not [
        name for name in behind if name.startswith(("serving/rest/", "serving/http/", "serving/grpc/"))
    ]


def test_imports_in_functions_and_in_sub_folders_are_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprints, "_ROOT", tmp_path)
    folder = tmp_path / "components" / "stage" / "inner"
    folder.mkdir(parents=True)
    (folder.parent / "executor.py").write_text("def do():\n    from components.stage.inner import first\n")
    (folder / "first.py").write_text("import json\nimport components.stage.inner.second\n")
    (folder / "second.py").write_text("from components.stage import executor\n")

    assert imported_files("components.stage.executor") == {
        folder.parent / "executor.py",
        folder / "first.py",
        folder / "second.py",
    }


def test_a_changed_module_changes_the_fingerprint(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprints, "_ROOT", tmp_path)
    module = tmp_path / "components" / "one.py"
    module.parent.mkdir()
    module.write_text("a = 1\n")
    before = code_fingerprint("components.one")
    module.write_text("a = 2\n")

    assert code_fingerprint("components.one") != before


def test_a_module_that_does_not_exist_is_named():
    with pytest.raises(FileNotFoundError, match=r"no Python module at .*serving/canaries\.py"):
        code_fingerprint("serving.canaries")


@pytest.mark.parametrize("package", PACKAGES)
def test_another_version_of_a_package_is_another_code(package, monkeypatch):
    before = code_fingerprint("components.reviews")
    monkeypatch.setattr(
        fingerprints, "version_of", lambda name: "99" if name == package else version_of(name)
    )

    assert code_fingerprint("components.reviews") != before


def test_the_packages_are_installed_under_these_names():
    assert all(version_of(package) for package in PACKAGES)

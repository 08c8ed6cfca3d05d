"""The image without Docker: the tree of the Dockerfile's COPY lines has all that the compiled file needs."""

import json
import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
from kfp_containers import argument

from pipeline.settings.kubeflow import KubeflowSettings

ROOT = Path(__file__).parents[4]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")

LOAD = """
import importlib, json, sys
modules, classes = json.loads(sys.argv[1])
for name in modules:
    importlib.import_module(name)
for path in classes:
    module, name = path.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), name)), path
from components.embeddings import glove
from components.example_gen.sources import packaged
assert packaged.csv_path().is_file() and len(glove.read(10).words) == 10
ours = ("pipeline", "components", "serving")
print(json.dumps({name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()
                  if name.split(".")[0] in ours}))
"""


def parameters(compiled):
    for task in compiled.spec["root"]["dag"]["tasks"].values():
        for source in task["inputs"].get("parameters", {}).values():
            yield source.get("runtimeValue", {}).get("constant")


# --- what is in it


@pytest.mark.proof
def test_every_import_that_the_compiled_file_needs_is_in_the_image(compile_with, image_tree, tmp_path):
    compiled = compile_with(f"kubeflow.project_dir={image_tree}")
    modules = {each["command"][each["command"].index("-m") + 1] for each in compiled.containers.values()}
    classes = {argument(each, "--executor_class_path") for each in compiled.containers.values()}
    classes.add("components.trainer.train.run_fn")
    environment = {each["name"]: each["value"] for each in compiled.containers["Trainer"]["env"]}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(tmp_path)}
    done = subprocess.run(
        ["python", "-c", LOAD, json.dumps([sorted(modules), sorted(classes)])],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert {"pipeline.kubeflow.step", "components.trainer.train", "serving.versions"} <= set(loaded)
    elsewhere = {name: path for name, path in loaded.items() if not path.startswith(f"{image_tree}/")}
    assert elsewhere == {}


def test_every_file_that_the_compiled_file_names_is_in_the_image(compile_with, image_tree):
    named = [
        each for each in parameters(compile_with()) if isinstance(each, str) and each.startswith("/app/")
    ]
    assert named, "the schema is a file"
    for path in named:
        assert (image_tree / Path(path).relative_to("/app")).is_file(), path


def test_all_files_of_the_packages_are_copied_and_no_byte_code(image, tmp_path):
    copied = image.build(tmp_path / "app")
    for package in ("greenlight", "pipeline", "components", "serving"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert (copied / path.relative_to(ROOT)).is_file(), path
    assert not list(copied.rglob("__pycache__"))


# --- the Dockerfile


def test_what_is_copied_is_what_the_stage_of_the_project_says(image, tmp_path):
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(
        "FROM a AS one\nCOPY left out\n# COPY nothing at all\nFROM b AS project\n"
        "COPY pyproject.toml \\\n  README.md ./\nCOPY serving serving\n"
        "FROM b\nCOPY --from=one /x /x\nCOPY --from=project /app /app\n"
    )
    assert image.copied(dockerfile) == [
        ("pyproject.toml", "./pyproject.toml"),
        ("README.md", "./README.md"),
        ("serving", "serving"),
    ]


def test_dockerignore_lets_everything_through_that_is_copied_and_nothing_else():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert allowed == {name for line in copied for name in line.split()}
    denied = [rule for rule in rules[1:] if not rule.startswith("!")]
    assert all(
        fnmatch(f"a/{name}", rule) for rule, name in zip(denied, ("__pycache__", "b.pyc"), strict=True)
    )


def test_the_image_is_what_the_settings_take_it_for():
    settings = KubeflowSettings()
    assert f"WORKDIR {settings.project_dir}\n" in DOCKERFILE
    assert f"PYTHONPATH={settings.project_dir} " in DOCKERFILE
    assert f"cache_dir={settings.cache_dir} " in DOCKERFILE
    assert f"chmod -R a+rwX {settings.cache_dir}\n" in DOCKERFILE


def test_packages_are_the_locked_ones_by_their_hashes():
    assert 'RUN GPU="$GPU" TEXT="$TEXT" requirements/setup.sh && ' in DOCKERFILE
    assert 'RUN GPU="$GPU" TEXT="$TEXT" requirements/setup.sh --serve && ' in DOCKERFILE
    assert "--require-hashes" in (ROOT / "requirements" / "setup.sh").read_text(encoding="utf-8")
    assert "pip install" not in DOCKERFILE


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("no root, and by number, which runAsNonRoot can check", r"^USER \d{4,}:0$"),
        ("the commit is on it", r'^ {6}org\.opencontainers\.image\.revision="\$\{COMMIT\}"$'),
        ("the base has a version", r"^ARG BASE=python:3\.11-slim-\w+$"),
        ("the entrypoint", r'^ENTRYPOINT \["greenlight"\]$'),
        ("a small image for a server", r"^FROM environment AS serve$"),
        ("the whole image is the last stage", r"^FROM environment AS run\n(?:(?!FROM).*\n)*\Z"),
    ],
)
def test_the_dockerfile_keeps_a_rule(what, pattern):
    assert re.search(pattern, DOCKERFILE, re.MULTILINE), what


def test_every_image_has_the_project_its_packages_and_no_root():
    for stage, packages in (("serve", "server-packages"), ("run", "packages")):
        (content,) = re.findall(
            rf"^FROM environment AS {stage}\n((?:(?!FROM).*\n)*)", DOCKERFILE, re.MULTILINE
        )
        assert f"COPY --from={packages} /opt/greenlight /opt/greenlight\n" in content
        assert "COPY --from=project /app /app\n" in content
        assert re.search(r"^USER \d{4,}:0$", content, re.MULTILINE)

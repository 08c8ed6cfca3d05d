"""Modules that are put off: not run before they are used, and no different then."""

import importlib.resources
import inspect
import json
import subprocess
import sys
from importlib.machinery import PathFinder

import pytest

from components.deferred_imports import PUT_OFF, put_off

MODULES = {
    "cinema/__init__.py": "from cinema.screen import SEATS\nran = __name__\n",
    "cinema/screen.py": "SEATS = 300\n",
    "cinema/foyer.py": "import cinema.screen\nTILLS = 2\n",
    "cinema/programme.txt": "A Wonderful Film",
    "projector.py": "raise ImportError('no lamp')\n",
}
NAMES = frozenset({"cinema", "cinema.foyer", "projector"})


@pytest.fixture
def cinema(tmp_path, monkeypatch):
    """MODULES, put off; whether one has run is told by what it imported or defined."""
    for path, code in MODULES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    put_off(NAMES)


def test_a_module_runs_when_it_is_asked_for_something(cinema):
    module = importlib.import_module("cinema")
    assert "ran" not in vars(module) and "cinema.screen" not in sys.modules
    assert module.ran == "cinema"
    assert "cinema.screen" in sys.modules and type(module) is type(sys)


def test_a_submodule_needs_none_of_its_package_s_code(cinema):
    screen = importlib.import_module("cinema.screen")
    assert screen.SEATS == 300
    assert "ran" not in vars(sys.modules["cinema"])


def test_a_submodule_that_is_put_off_too_is_given_without_running_either(cinema):
    given: dict = {}
    exec("from cinema import foyer", given)
    assert "ran" not in vars(sys.modules["cinema"]) and "TILLS" not in vars(given["foyer"])
    assert given["foyer"].TILLS == 2


@pytest.mark.parametrize("ran", [False, True])
def test_the_files_beside_a_module_are_found_whether_it_ran_or_not(cinema, ran):
    module = importlib.import_module("cinema")
    assert not ran or module.ran
    assert (importlib.resources.files("cinema") / "programme.txt").read_text() == "A Wonderful Film"
    assert inspect.getsource(module) == MODULES["cinema/__init__.py"]


def test_what_a_module_does_not_define_is_missing_as_ever(cinema):
    with pytest.raises(ImportError, match="cannot import name 'bar' from 'cinema'"):
        exec("from cinema import bar", {})


def test_a_module_that_fails_says_so_each_time_it_is_used(cinema):
    projector = importlib.import_module("projector")
    for _ in range(2):
        with pytest.raises(ImportError, match="no lamp"):
            projector.light()


def test_a_module_that_is_not_there_cannot_be_imported(cinema):
    put_off(frozenset({"popcorn"}))
    with pytest.raises(ModuleNotFoundError, match="popcorn"):
        importlib.import_module("popcorn")


def test_putting_off_twice_is_putting_off_once(cinema):
    before = list(sys.meta_path)
    put_off(NAMES)
    assert sys.meta_path == before


NOT_RUN = ("IPython.core.interactiveshell", "ipywidgets", "kubernetes", "nltk.corpus", "redis", "sklearn")
USE = f"""
import json, sys
from components.deferred_imports import put_off
put_off()
import tensorflow_data_validation
import tensorflow_model_analysis as tfma
from tfx.components.trainer.component import Trainer
run = [name for name in {NOT_RUN} if name in sys.modules]
import tfx.components
metrics = sorted(tfma.metrics.metric_types.registered_metrics())
print(json.dumps([run, metrics, tfma.view.render_plot.__name__, tfx.components.Trainer is Trainer]))
"""


def test_tfma_and_tfx_come_without_what_is_put_off_and_miss_nothing():
    process = subprocess.run([sys.executable, "-c", USE], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    run, metrics, view, same = json.loads(process.stdout.splitlines()[-1])
    assert run == []
    assert {"Bleu", "Rouge", "BinaryAccuracy"} <= set(metrics)
    assert view == "render_plot" and same


def test_every_name_is_of_a_package_that_is_there():
    packages = {name.split(".")[0] for name in PUT_OFF}
    assert {name for name in packages if not PathFinder.find_spec(name)} == set()

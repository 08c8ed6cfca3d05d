"""What can be said of the user's file without executing it, and of its import."""

from pathlib import Path

import pytest
from processes import python

from components.errors import InputError
from components.trainer.own_model.loading import imported
from components.trainer.own_model.module_file import ModuleFile
from components.trainer.settings import TrainerSettings


def test_a_file_is_read_and_not_executed(own):
    module = own("raise SystemExit('executed')\ndef build(texts): ...\n")
    assert (module.function, str(module.file), module.is_run_fn) == ("build", "own.py", False)
    assert own("from elsewhere import *\n", "run_fn").is_run_fn
    assert own("try:\n    from elsewhere import build\nexcept ImportError:\n    build = None\n")


REFUSED = {
    "no function": ("def other(): ...\n", "own.py has no function build. It defines: other."),
    "no function at all": ("build_it = 1\n", "own.py has no function build. It defines no function."),
    "a method only": ("class A:\n    def build(self): ...\n", "own.py has no function build."),
    "not Python": ("x = 1\ndef build(:\n", "line 2 of own.py is not Python: invalid syntax."),
    "another text": ("caf\xe9".encode("latin-1"), "own.py is not UTF-8 text (byte 3). Save it as UTF-8."),
    "a NUL byte": (b"x = 1\0", "is not Python: "),
    "too large": (
        b"#" * 200_001,
        "own.py has 200,001 bytes, more than 200,000: the file's text is a part of",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_used_is_refused_before_training(tmp_path, monkeypatch, case):
    content, words = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError) as caught:
        ModuleFile.read("own.py:build")
    assert str(caught.value).startswith("trainer.module = 'own.py:build': ")
    assert words in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder.py").mkdir()
    for name, words in (("own.py", "own.py does not exist."), ("folder.py", "folder.py is not a file.")):
        with pytest.raises(InputError) as caught:
            ModuleFile.read(f"{name}:build")
        assert f"{words} Give FILE.py:FUNCTION, relative to the current folder." in str(caught.value)


@pytest.mark.parametrize(
    "name", ["own.py", "own:build", "own.py:", "own.py:1", ":build", "build", "own.py:a.b"]
)
def test_a_name_of_another_form_is_refused(name):
    with pytest.raises(ValueError, match=r"expected FILE\.py:FUNCTION, such as my_model\.py:build"):
        TrainerSettings(module=name)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"strategy": "mirrored"}, "trainer.strategy = 'mirrored' distributes the built-in model only"),
        ({"warm_start": "live"}, "trainer.warm_start = 'live' takes over the weights of the built-in model"),
        ({"warm_start": "auto", "module": "a.py:run_fn"}, "trainer.warm_start = 'auto' takes over"),
    ],
)
def test_settings_that_would_be_ignored_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        TrainerSettings(**{"module": "a.py:build"} | given)
    assert TrainerSettings(module="a.py:run_fn", warm_start="live").module


IMPORTS = {
    "it raises": (
        "x = 1\n1 / x\ny = {}['key']\ndef build(): ...\n",
        "its import raised KeyError: 'key' (line 3 of own.py)",
    ),
    "it ends Python": ("def build(): ...\nexit(3)\n", "its import raised SystemExit: 3 (line 2 of own.py)"),
    "a neighbor": (
        "import my_layers\ndef build(): ...\n",
        "ModuleNotFoundError: No module named 'my_layers' (line 1 of own.py). The run's log has all of it. "
        "The file is used alone, here and on a cluster: what it imports must be an installed package.",
    ),
    "not a function": ("build = 3\n", "build is not a function, but int."),
    "taken away again": ("def build(): ...\ndel build\n", "own.py has no function build after its import."),
    "an argument too many": (
        "def build(texts, vocabulary): ...\n",
        "build takes vocabulary, which cannot be given. It may take any of: texts, settings, classes.",
    ),
}


@pytest.mark.parametrize("case", IMPORTS)
def test_a_file_that_does_not_import_says_where(own, case):
    text, words = IMPORTS[case]
    with pytest.raises(InputError) as caught, imported(own(text)):
        pass
    assert words in str(caught.value)


def test_a_run_fn_takes_one_argument(own):
    with imported(own("def run_fn(fn_args, more=1): ...\n", "run_fn")) as function:
        assert function("given") is None
    with (
        pytest.raises(InputError, match="run_fn must take one argument"),
        imported(own("def run_fn(): ...\n", "run_fn")),
    ):
        pass


def test_what_is_executed_is_the_text_that_was_read(own):
    module = own("def build(): return 'as it was read'\n")
    Path("own.py").write_text("def build(): return 'replaced since'\n")
    with imported(module) as function:
        assert function(texts=1, settings=2) == "as it was read"


def test_a_fault_of_the_machine_is_not_called_the_files(own):
    with pytest.raises(MemoryError), imported(own("def build(): raise MemoryError\n")) as function:
        function()


def test_reading_loads_no_tensorflow(own):
    own("def build(): ...\n")
    done = python(
        "-c",
        "import sys; from components.trainer.own_model.module_file import ModuleFile; "
        "ModuleFile.read('own.py:build'); print('tensorflow' in sys.modules)",
        folder=Path.cwd(),
    )
    assert done.stdout == "False\n", done.stderr

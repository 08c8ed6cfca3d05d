"""`greenlight.run`: a run in a process of its own, with the result or the error in this one."""

import json
import signal
import subprocess
import sys

import pytest
from small_run import EASY_GATE, SMALL_RUN

import greenlight
from greenlight import running


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def not_started(monkeypatch):
    """No process is started: what is to be said before is said before."""
    monkeypatch.setattr(running, "_progress_of", lambda *_, **__: pytest.fail("a run was started"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"settings": {"trainer.epochs": 0}}, "trainer.epochs"),
        ({"settings": {"trainer.epoch": 3}}, "trainer.epochs"),
        ({"settings": {"trainer.epochs": "three"}}, "from settings"),
        ({"preset": "sead"}, "There is no preset 'sead'"),
        ({"config": ["missing.toml"]}, "missing.toml does not exist"),
        ({"config": "missing.toml"}, "missing.toml does not exist"),
        ({"settings": "a"}, "settings: expected a mapping of dotted keys to values, .* and not 'a'"),
        ({"settings": ["trainer.epochs=3"]}, "settings: expected a mapping"),
        ({"settings": {3: 4}}, "settings: expected a mapping of dotted keys"),
    ],
)
def test_settings_that_cannot_be_used_are_an_input_error_before_anything_starts(not_started, given, message):
    with pytest.raises(greenlight.InputError, match=message):
        greenlight.run(**given)


def test_settings_come_from_the_same_places_as_those_of_the_command(monkeypatch, tmp_path):
    (tmp_path / "greenlight.toml").write_text('workspace = "of-the-file"\n[trainer]\nepochs = 7\n')
    monkeypatch.setenv("GREENLIGHT_GATE__MIN_ACCURACY", "0.9")
    seen = []
    monkeypatch.setattr(running, "_run", lambda settings, **_: seen.append(settings))
    greenlight.run(settings={"trainer.batch_size": 64, "data.labels": {"1": "negative", "5": "positive"}})
    (found,) = seen
    assert (str(found.workspace), found.trainer.epochs, found.trainer.batch_size) == ("of-the-file", 7, 64)
    assert found.gate.min_accuracy == 0.9 and dict(found.data.labels) == {"1": "negative", "5": "positive"}


def test_a_run_that_cannot_start_is_an_input_error_with_the_message_of_the_command(tmp_path):
    (tmp_path / "workspace").write_text("a file, not a folder")
    with pytest.raises(greenlight.InputError, match="Name another with --workspace") as raised:
        greenlight.run(workspace="workspace")
    assert not str(raised.value).startswith("Error: ")


def test_an_interrupt_reaches_the_run_and_waits_for_its_end(monkeypatch, tmp_path):
    """A notebook interrupts its kernel alone, which is what happens here."""
    script = tmp_path / "child.py"
    script.write_text(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: (open('interrupted', 'w').close(), sys.exit(130)))\n"
        "print('started', flush=True)\n"
        "time.sleep(60)\n"
    )

    def interrupt(lines, *, shown):
        assert next(iter(lines)) == "started\n"
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(running, "_show", interrupt)
    with pytest.raises(KeyboardInterrupt):
        running._progress_of([sys.executable, str(script)], shown=False)
    assert (tmp_path / "interrupted").exists()


def test_importing_it_imports_no_tensorflow():
    code = "import sys, greenlight; print([name for name in sys.modules if name in ('tensorflow', 'tfx')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.proof
def test_a_run_from_python_ends_with_a_version_that_answers(capsys, embedding_cache):
    pairs = (each.partition("=")[::2] for each in (*SMALL_RUN, *EASY_GATE))
    settings = {key: json.loads(value) for key, value in pairs}
    settings["cache_dir"] = str(embedding_cache)
    result = greenlight.run(workspace="here", settings=settings)
    assert result.verdict == "promoted" and result.exit_code == 0
    shown = capsys.readouterr().out
    assert "Trainer" in shown and "PROMOTED  version 1 is live" in shown
    assert "### PROMOTED" in result._repr_markdown_()

    project = greenlight.load("here")
    table = project.runs.to_pandas()
    assert list(table.index) == [result.run] and table.loc[result.run, "verdict"] == "promoted"
    with project.live as live:
        good, bad = live.predict(["A wonderful, moving film.", "The worst film ever. Awful."])
    assert live.number == 1 and good.probability > bad.probability

    with pytest.raises(greenlight.InputError, match=r"files:missing|missing\.csv"):
        greenlight.run(workspace="here", source="files:missing.csv", settings=settings, progress=False)
    assert capsys.readouterr().out == ""

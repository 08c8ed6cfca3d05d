"""Each script answers --help at once, and its arithmetic is right on results that were written down."""

import argparse
import json
import sys
from pathlib import Path

import pytest

from benchmarks import against_notebook, where_time_goes
from benchmarks.accuracy import __main__ as accuracy
from benchmarks.processes import CHECKOUT, run
from benchmarks.scale import __main__ as scale
from benchmarks.scale import scratch

SCRIPTS = [
    "accuracy",
    "accuracy.ablation",
    "against_notebook",
    "against_tfx_example",
    "readme",
    "scale",
    "serving",
    "serving.http_load",
    "serving.signature_calls",
    "serving_peers",
    "where_time_goes",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_explains_itself_without_loading_anything_heavy(script):
    code = (
        "import runpy, sys; sys.argv = ['script', '--help']\n"
        f"try: runpy.run_module('benchmarks.{script}', run_name='__main__')\n"
        "finally: print('heavy:', 'tensorflow' in sys.modules or 'apache_beam' in sys.modules)"
    )
    output = run([sys.executable, "-c", code]).output
    assert f"python -m benchmarks.{script}" in output
    assert output.endswith("heavy: False\n")


def result(**cached):
    return json.dumps({"stages": [{"name": name, "seconds": 2.0, "cached": c} for name, c in cached.items()]})


def test_a_new_gate_may_run_evaluator_and_pusher():
    ran = against_notebook.executed(result(Schema=False, Trainer=True, Evaluator=False, Pusher=False))
    assert ran == against_notebook.RUN_AGAIN_AFTER_A_NEW_GATE


def test_a_stage_that_a_new_gate_should_not_run_is_noticed():
    ran = against_notebook.executed(result(Trainer=False, Evaluator=False, Pusher=False))
    assert ran - against_notebook.RUN_AGAIN_AFTER_A_NEW_GATE == {"Trainer"}


def test_what_is_around_the_stages_is_the_rest_of_the_process():
    found = where_time_goes.by_stage(10.0, result(Trainer=False, Evaluator=False))
    assert found == {where_time_goes.AROUND: 6.0, "Trainer": 2.0, "Evaluator": 2.0, where_time_goes.ALL: 10.0}


def test_a_stage_is_held_against_the_sum_of_its_floors():
    measured = {"Trainer": 30.0, "Pusher": 1.0, where_time_goes.ALL: 40.0}
    trainer, pusher, _ = where_time_goes.rows(measured, {"tokenizing": 5.0, "fitting": 10.0})
    assert trainer[:5] == ("Trainer", "30.0", "75%", "15.0", "2.0")
    assert pusher[3:] == ("", "", "")


def fits(accuracy_, calibration_error=0.007, seconds=30.0, megabytes=20.0):
    better = accuracy.Fitted(accuracy=0.93, calibration_error=0.005, seconds=20, megabytes=10)
    costs = {"calibration_error": calibration_error, "seconds": seconds, "megabytes": megabytes}
    ours = [better, accuracy.Fitted(accuracy=accuracy_, **costs)]
    return {accuracy.OURS: ours, "NB-SVM": [accuracy.Fitted(accuracy=0.89, seconds=12)]}


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        (fits(0.9), []),
        (fits(0.8999), ["share that is wrong"]),
        (fits(0.88), ["share that is wrong", "the same, less the best peer's"]),
        (
            fits(0.9, 0.0201, 60.1, 40.1),
            ["calibration error", "seconds, text to model", "MB of the exported model"],
        ),
    ],
)
def test_the_worst_seed_is_held_against_the_limits(found, missed):
    assert [figure.name for figure in accuracy.figures(found) if not figure.holds] == missed


@pytest.mark.proof
def test_every_classifier_is_fitted_and_recorded(tmp_path):
    record = tmp_path / "record.json"
    accuracy.main(["--seeds", "1", "--reviews", "600", "--record", str(record)])
    found = json.loads(record.read_text())
    assert {"accuracy of greenlight", "accuracy of NB-SVM", "calibration error of greenlight"} <= set(found)
    assert all(0 < value < 1 for values in found.values() for value in values)


def test_accuracies_are_shown_with_their_spread():
    ours, peer = accuracy.rows(fits(0.91))
    assert ours == ("greenlight", "0.9200 ± 0.0141", "0.0060", "25.0", "15.0")
    assert peer == ("NB-SVM", "0.8900 ± 0.0000", "", "12.0", "")


def test_sizes_come_ascending_and_fill_every_split():
    assert scale.sizes_of("25000,2500") == [2500, 25000]
    with pytest.raises(argparse.ArgumentTypeError, match="100 reviews are the fewest"):
        scale.sizes_of("99,2500")


def measured(size, seconds, peak_mib):
    about = {"stage": "ExampleGen", "reviews": size, "cpu": seconds, "process": seconds + 9}
    return scale.Measured(size=size, seconds=seconds, peak_mib=peak_mib, **about)


def test_cost_and_memory_beyond_their_limits_are_named():
    small, fair, dear = scale.rows(
        [measured(1000, 1, 90), measured(20_000, 24, 4e3), measured(10_000, 11, 90)]
    )
    assert small[2:] == ("10.0", "1.0", "1.0", "1,000", "1.00", "", "90", "")
    assert fair[5:] == ("1,100", "1.10", "1,111", "90", "")
    assert dear[6:] == ("1.20", "1,300", "4,000", "more than 1.15x, more than 3,072 MiB, memory grows")


@pytest.mark.parametrize(("peaks", "grows"), [((90, 900, 1035), False), ((90, 900, 1036), True)])
def test_memory_may_grow_up_to_the_second_size(peaks, grows):
    found = [measured(size, size, peak) for size, peak in zip((1, 10, 100), peaks, strict=True)]
    assert [line[-1] for line in scale.rows(found)] == ["", "", "memory grows" if grows else ""]


@pytest.mark.parametrize(("dearer", "code"), [(1.0, 0), (1.2, 1)])
def test_a_missed_limit_is_an_exit_code(tmp_path, monkeypatch, capsys, dearer, code):
    def found(size, scratch, *, rounds):
        return [measured(size, size * (dearer if size > 1000 else 1), 90)]

    monkeypatch.setattr(scale, "measure_size", found)
    curves = tmp_path / "scale.svg"
    assert scale.main(["--sizes", "1000,2000", "--curves", str(curves)]) == code
    assert ("more than 1.15x" in capsys.readouterr().out) == bool(code)
    assert curves.exists()


def test_what_was_measured_is_not_measured_again(tmp_path, monkeypatch):
    monkeypatch.setattr(
        scratch.reviews_made, "write", lambda folder, size, a_file: (folder / "reviews").touch()
    )
    asked = []

    def stage_that_breaks_once(stage, size, folder):
        assert Path(folder, "source", "reviews").exists()
        asked.append(stage)
        if asked.count(stage) == 2 and stage == scale.STAGES[2]:
            raise KeyboardInterrupt
        return scale.Measured(
            stage=stage, size=size, reviews=size, cpu=1, process=3, peak_mib=9, seconds=len(asked)
        )

    monkeypatch.setattr(scale, "measure", stage_that_breaks_once)
    with pytest.raises(KeyboardInterrupt):
        scale.measure_size(1000, tmp_path, rounds=3)
    found = scale.measure_size(1000, tmp_path, rounds=3)
    assert asked == [stage for stage in scale.STAGES for _ in range(4 if stage == scale.STAGES[2] else 3)]
    assert [one.seconds for one in found[:2]] == [2, 5], "medians"
    assert not (tmp_path / "1000").exists(), "the reviews are gone when all is measured"


def test_the_curves_are_drawn(tmp_path):
    scale.draw([measured(1000, 1, 90), measured(10_000, 11, 90)], tmp_path / "scale.svg")
    assert "</svg>" in (tmp_path / "scale.svg").read_text()


def test_the_notebook_imports_what_a_notebook_would():
    source = Path(CHECKOUT, "benchmarks", "notebook.py").read_text()
    imported = {
        line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import", "from"))
    }
    assert imported <= {"csv", "sys", "numpy", "tensorflow", "tensorflow_hub", "sklearn"}
    assert len(source.splitlines()) <= 70

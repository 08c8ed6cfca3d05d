import json
from pathlib import Path

import pytest
from mutation import equivalents, run, sandbox, score
from mutation.equivalents import Equivalent
from mutation.mutants import Mutant, read

MODULE = "serving/limits.py"
CHANGED = '''
def x_bound__mutmut_orig(value):
    """A limit."""
    return min(
        value, 10)

def x_bound__mutmut_1(value):
    """A limit."""
    return min(
        value, 11)

class Limits:
    def xǁLimitsǁholds__mutmut_orig(self):
        return self.value < 10

    def xǁLimitsǁholds__mutmut_1(self):
        return self.value <= 10
'''.lstrip()
SPANS = {
    "x_bound__mutmut_orig": [1, 4],
    "x_bound__mutmut_1": [6, 9],
    "xǁLimitsǁholds__mutmut_orig": [12, 13],
    "xǁLimitsǁholds__mutmut_1": [15, 16],
}


def left_by_mutmut(folder: Path, codes: dict[str, int | None]) -> Path:
    """What mutmut leaves: the module with all mutants in it, their lines, and the exit codes of the tests."""
    path = folder / "mutants" / MODULE
    path.parent.mkdir(parents=True)
    path.write_text(CHANGED, encoding="utf-8")
    Path(f"{path}.spans").write_text(json.dumps({"version": 1, "spans": SPANS}), encoding="utf-8")
    meta = {"exit_code_by_key": {f"serving.limits.{name}": code for name, code in codes.items()}}
    Path(f"{path}.meta").write_text(json.dumps(meta), encoding="utf-8")
    return folder


def mutant(status="survived", *, was="a < b", becomes="a <= b", module=MODULE) -> Mutant:
    return Mutant(module, "bound", was, becomes, status)


def test_a_mutant_is_told_as_the_line_that_it_changes(tmp_path):
    folder = left_by_mutmut(tmp_path, {"x_bound__mutmut_1": 1, "xǁLimitsǁholds__mutmut_1": 0})

    assert list(read(folder, MODULE)) == [
        Mutant(MODULE, "bound", "value, 10)", "value, 11)", "killed"),
        Mutant(MODULE, "Limits.holds", "return self.value < 10", "return self.value <= 10", "survived"),
    ]


@pytest.mark.parametrize(
    ("code", "status"), [(1, "killed"), (0, "survived"), (33, "survived"), (36, "timeout"), (-9, "unclear")]
)
def test_the_exit_code_of_the_tests_says_what_became_of_a_mutant(tmp_path, code, status):
    assert [each.status for each in read(left_by_mutmut(tmp_path, {"x_bound__mutmut_1": code}), MODULE)] == [
        status
    ]


def test_a_mutant_that_was_not_judged_does_not_count(tmp_path):
    assert not list(read(left_by_mutmut(tmp_path, {"x_bound__mutmut_1": None}), MODULE))


def test_the_score_is_of_the_mutants_that_are_not_equivalent():
    known = [Equivalent(MODULE, "bound", "x = 1", "is not read")]
    judged = [
        *[mutant("killed")] * 8,
        mutant("timeout"),
        mutant("unclear"),
        mutant(was="x = 1", becomes="x = 2"),
    ]
    found = score.score(MODULE, judged, known)

    assert (found.killed, found.equivalent, found.share) == (9, 1, 0.9)
    assert score.table([found]).splitlines()[-1].split() == ["all", "11", "9", "1", "1", "90.0%"]
    assert score.told(found.survivors) == f"{MODULE}: bound (unclear)\n  - a < b\n  + a <= b"


def test_an_equivalent_is_of_one_change_or_of_every_change_of_a_line():
    one = Equivalent(MODULE, "bound", "a < b", "they are never equal", becomes="a <= b")
    every = Equivalent(MODULE, "bound", "a < b", "is not read")

    assert one.covers(mutant()) and every.covers(mutant())
    assert every.covers(mutant(becomes="a > b")) and not one.covers(mutant(becomes="a > b"))
    assert not every.covers(mutant(module="serving/other.py"))


def test_an_equivalent_of_a_line_that_is_no_more_is_outdated():
    gone = Equivalent(MODULE, "bound", "c < d", "they are never equal")
    elsewhere = Equivalent("serving/other.py", "bound", "c < d", "they are never equal")
    there = Equivalent(MODULE, "bound", "a < b", "they are never equal")

    assert equivalents.outdated([gone, elsewhere, there], [mutant()]) == [gone]


def test_every_area_has_modules_and_tests_that_there_are():
    for area in sandbox.areas():
        for path in (*area.modules, *area.tests):
            assert (sandbox.ROOT / path).exists(), f"{area.name}: {path}"


def test_every_equivalent_gives_a_line_that_its_function_has_and_a_reason():
    modules = {module for area in sandbox.areas() for module in area.modules}
    known = equivalents.equivalents()
    for each in known:
        assert each.module in modules
        assert each.reason and each.becomes != each.was
    assert equivalents.gone(known) == []


def test_a_line_that_its_function_does_not_have_is_gone(tmp_path):
    method = "class Limits:\n    def holds(self):\n        return (\n            a < b\n        )\n"
    (tmp_path / "limits.py").write_text(f"{method}\ndef bound(c):\n    return c\n")
    there = Equivalent("limits.py", "Limits.holds", "return ( a < b )", "they are never equal")
    wrong = [
        Equivalent("limits.py", "Limits.holds", "return a <= b", "another line"),
        Equivalent("limits.py", "Limits.holds", "return c", "a line of another function"),
        Equivalent("limits.py", "Limits.has", "return c", "another function"),
    ]
    assert equivalents.gone([there, *wrong], tmp_path) == wrong


def test_a_module_is_asked_for_by_its_path_and_an_area_by_its_name():
    areas = sandbox.areas()

    assert run.chosen(areas, []) == areas
    assert [area.name for area in run.chosen(areas, ["splits", "store"])] == ["store", "splits"]
    (store,) = run.chosen(areas, ["serving/store/publish.py"])
    assert (store.name, store.modules) == ("store", ("serving/store/publish.py",))
    with pytest.raises(SystemExit, match=r"^nothing: neither an area nor a module of"):
        run.chosen(areas, ["nothing"])


def test_a_sample_is_the_same_in_each_run():
    names = [str(number) for number in range(100)]

    assert sandbox.drawn(names, 5, seed="a") == sandbox.drawn(names, 5, seed="a")
    assert sandbox.drawn(names, 5, seed="a") != sandbox.drawn(names, 5, seed="b")
    assert sandbox.drawn(names, 200, seed="a") == sorted(names)


@pytest.mark.parametrize(("killed", "code"), [(9, 0), (8, 1)])
def test_the_command_fails_under_nine_of_ten(monkeypatch, capsys, killed, code):
    judged = [mutant("killed")] * killed + [mutant()] * (10 - killed)
    area = sandbox.Area("limits", (MODULE,), ())
    monkeypatch.setattr(sandbox, "areas", lambda: [area])
    monkeypatch.setattr(run, "_judged", lambda area, **_: judged)

    assert run.main([]) == code
    assert f"{MODULE}       10  {killed:6}" in capsys.readouterr().out


def test_where_mutmut_itself_fails_there_is_no_score(monkeypatch, capsys):
    def fails(area, **_):
        raise sandbox.MutmutFailed("no test was found")

    monkeypatch.setattr(run, "_judged", fails)

    assert run.main(["splits"]) == 2
    assert capsys.readouterr().err == (
        "\nsplits: mutmut failed. Do the tests pass by themselves? "
        "tests/components/example_gen/test_splits.py\nno test was found\n"
    )


def test_the_end_of_mutmuts_log_is_shown_without_its_spinner():
    log = "copied\n\u280b Running stats\r\u2819 Running stats\n\nfailed to collect stats\n"
    assert sandbox.last_lines(log) == "copied\nfailed to collect stats"

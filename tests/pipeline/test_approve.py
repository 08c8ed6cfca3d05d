"""`greenlight approve` on a workspace as a refused run leaves it: what it promotes, records and refuses."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.evaluator.verdict import Baseline, ConditionResult, Verdict
from pipeline import cli
from pipeline.outcome import RunResult
from pipeline.runs import open_store, read_run
from pipeline.workspace import Workspace
from serving.files import files_for
from serving.journal import whoami
from serving.manifest import Facts, model_digest
from serving.store_publish import model_entries
from serving.versions import VersionStore

RUN = "20261122-101500.000001"
GONE = "the model in production can't be evaluated any more: its folder is gone"
WHY = "the old model's folder was deleted"


def condition(metric, kind, *, passed=False, slice_name="overall", reason=None) -> ConditionResult:
    return ConditionResult(
        metric=metric,
        slice=slice_name,
        split="test",
        kind=kind,
        threshold=None if kind == "baseline" else 0.85,
        passed=passed,
        reason=reason or f"{metric} {'holds' if passed else 'fails'} on {slice_name}",
    )


BASELINE_GONE = condition("baseline", "baseline", reason=GONE)
ACCURACY_HOLDS = condition("accuracy", "floor", passed=True)
ACCURACY_FAILS = condition("accuracy", "floor")
SHORT_FAILS = condition("accuracy", "floor", slice_name="length:short")


@dataclasses.dataclass
class Lineage:
    """A lineage store that gets executions as TFX records them."""

    store: object
    run: str

    def execute(self, stage, inputs, outputs):
        """Records one execution; its sides map a key to type, uri and custom properties, or to an id."""
        events = []
        for kind, side in ((mlmd.Event.INPUT, inputs), (mlmd.Event.OUTPUT, outputs)):
            for key, given in side.items():
                event = mlmd.Event(type=kind)
                event.path.steps.add().key = key
                events.append((self._artifact(given), event))
        contexts = [
            self._context(kind, name)
            for kind, name in (
                ("pipeline", "imdb_sentiment"),
                ("pipeline_run", self.run),
                ("node", f"imdb_sentiment.{stage}"),
            )
        ]
        execution_type = self.store.put_execution_type(mlmd.ExecutionType(name=stage))
        execution = mlmd.Execution(type_id=execution_type, last_known_state=mlmd.Execution.COMPLETE)
        _, artifacts, _ = self.store.put_execution(execution, events, contexts)
        return dict(zip([*inputs, *outputs], artifacts, strict=True))

    def _artifact(self, given):
        if isinstance(given, int):
            return self.store.get_artifacts_by_id([given])[0]
        kind, uri, properties = given
        type_id = self.store.put_artifact_type(mlmd.ArtifactType(name=kind))
        artifact = mlmd.Artifact(type_id=type_id, uri=str(uri))
        for key, value in properties.items():
            field = "int_value" if isinstance(value, int) else "string_value"
            setattr(artifact.custom_properties[key], field, value)
        return artifact

    def _context(self, kind, name):
        type_id = self.store.put_context_type(mlmd.ContextType(name=kind))
        return self.store.get_context_by_type_and_name(kind, name) or mlmd.Context(type_id=type_id, name=name)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """Version 1 is live; no run is there yet."""
    workspace = Workspace.at(tmp_path / "space")
    workspace.create()
    workspace.metadata.touch()
    versions(workspace).push(saved_model(tmp_path / "model-1", "one"), Facts(metrics={"accuracy": 0.8}))
    return workspace


def versions(workspace) -> VersionStore:
    return VersionStore(workspace.serving("imdb_sentiment"))


def saved_model(folder: Path, content: str) -> Path:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text(content)
    (folder / "variables" / "variables.index").write_text(content)
    return folder


@pytest.fixture
def refuse(workspace):
    """Leaves what a run leaves whose gate failed `conditions`; returns the folder of its SavedModel."""

    def leave(*conditions, run=RUN, serves=True, properties=None) -> Path:
        root = workspace.artifacts / run
        model = saved_model(root / "model" / "Format-Serving", run)
        verdict = Verdict(
            split="test",
            conditions=conditions,
            metrics={"accuracy": 0.9},
            baseline=Baseline(model_uri="models/1", problem="its folder is gone"),
        )
        for name, text in (("verdict", verdict.to_json()), ("canaries", '{"reasons": ["it crashed"]}')):
            (root / name).mkdir()
            (root / name / f"{name}.json").write_text(text)
        kept = {
            "outcome": "refused",
            "model_digest": model_digest(model_entries(files_for(str(model)), str(model))),
            "facts": json.dumps(
                dataclasses.asdict(Facts(metrics={"accuracy": 0.9}, data_fingerprint="data-1"))
            ),
        }
        lineage = Lineage(open_store(workspace.metadata), run)
        trained = lineage.execute("Trainer", {}, {"model": ("Model", root / "model", {})})
        judged = lineage.execute(
            "Evaluator",
            {"model": trained["model"]},
            {
                "evaluation": ("ModelEvaluation", root / "verdict", {}),
                "blessing": ("ModelBlessing", root / "blessing", {"blessed": 0}),
            },
        )
        infra = ("InfraBlessing", root / "canaries", {"blessed": int(serves)})
        lineage.execute("InfraValidator", {"model": trained["model"]}, {"blessing": infra})
        lineage.execute(
            "Pusher",
            {"model": trained["model"], "model_blessing": judged["blessing"]},
            {"pushed_model": ("PushedModel", root / "pushed", kept if properties is None else properties)},
        )
        reasons = tuple(each.reason for each in conditions if not each.passed)
        gate = tuple(dataclasses.asdict(each) for each in conditions)
        RunResult(
            verdict="refused", run=run, version="1", metrics={"accuracy": 0.9}, gate=gate, reasons=reasons
        ).save(workspace.result(run))
        return model

    return leave


@pytest.fixture
def greenlight(workspace):
    """Calls a command on the workspace."""

    def call(command, *arguments):
        everything = [command, "--workspace", str(workspace.root), *arguments]
        return CliRunner().invoke(cli.cli, everything, prog_name="greenlight")

    return call


@pytest.fixture
def approve(greenlight):
    return lambda *arguments: greenlight("approve", "--reason", WHY, "--by", "ada", *arguments)


def refusal(result, code) -> str:
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.stderr
    return result.stderr.removeprefix("Error: ").rstrip()


# --- what an approval does


def test_a_model_whose_baseline_is_gone_becomes_the_next_version(approve, refuse, workspace):
    model = refuse(ACCURACY_HOLDS, BASELINE_GONE)
    result = approve()
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"Version 2 is live; it is the model of run {RUN}."
    assert re.fullmatch(rf"Approved by ada at \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ: {WHY}", lines[1])
    assert lines[2:] == ["Waived: baseline"]
    live = versions(workspace).live()
    assert (live.number, versions(workspace).verify(2)) == (2, [])
    assert Path(live.path, "saved_model.pb").read_bytes() == (model / "saved_model.pb").read_bytes()


def test_the_manifest_and_the_journal_say_who_and_why(approve, refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    approve()
    facts = versions(workspace).live().manifest.facts
    assert (facts.verdict, facts.run_id, facts.metrics) == ("approved", RUN, {"accuracy": 0.9})
    assert facts.data_fingerprint == "data-1"
    at = facts.approval["at"]
    assert facts.approval == {"by": "ada", "reason": WHY, "at": at, "waived": ["baseline"]}
    assert [each["waived"] for each in facts.conditions] == [None, f"ada, {at}: {WHY}"]
    event = versions(workspace).history()[-1]
    assert (event.action, event.version, event.run_id) == ("push", 2, RUN)
    assert event.why == f"run {RUN}, approved by ada: {WHY}"


def test_the_lineage_store_has_the_approval_as_a_blessing_of_the_model(approve, refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    approve()
    run = read_run(workspace.metadata, RUN)
    blessing = run.output("Approval", "blessing")
    assert blessing.type == "ModelBlessing"
    assert blessing.properties["blessed"] == 1
    assert blessing.properties["current_model_id"] == run.output("Trainer", "model").id
    assert (blessing.path / "BLESSED").is_file()
    assert json.loads((blessing.path / "verdict.json").read_text())["verdict"] == "promoted"
    assert set(run.stage("Approval").inputs) == {"model", "evaluation"}
    assert run.output("Evaluator", "blessing").properties["blessed"] == 0


def test_the_runs_verdict_stays_and_the_approval_is_added(approve, greenlight, refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    before = RunResult.load(workspace.result(RUN))
    approve()
    result = RunResult.load(workspace.result(RUN))
    assert (result.verdict, result.approval["version"]) == ("refused", "2")
    assert dataclasses.replace(result, approval=None) == before
    lines = greenlight("verdict").stdout.splitlines()
    assert lines[0].startswith("REFUSED  by the gate")
    at = result.approval["at"]
    assert lines[1:4] == [
        f"APPROVED  by ada at {at}; the model became version 2",
        f"reason: {WHY}",
        "waived: baseline",
    ]
    assert f"- {GONE}" in lines
    assert json.loads(greenlight("verdict", "--json").stdout)["approval"] == result.approval


def test_the_lists_of_runs_and_versions_remark_it(approve, greenlight, refuse):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    approve()
    assert greenlight("runs").stdout.rstrip().endswith(f"version 2  approved by ada: {WHY}")
    (listed,) = json.loads(greenlight("runs", "--json").stdout)
    assert (listed["verdict"], listed["version"], listed["approval"]["by"]) == ("refused", "2", "ada")
    assert greenlight("versions").stdout.splitlines()[1].endswith(f"approved by ada: {WHY}")
    newest, oldest = json.loads(greenlight("versions", "--json").stdout)["versions"]
    assert (newest["approval"]["reason"], oldest["approval"]) == (WHY, None)


def test_json_has_the_outcome_and_the_approval(approve, refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    told = json.loads(approve("--json").stdout)
    assert (told["outcome"], told["run"], told["version"]) == ("promoted", RUN, 2)
    assert told["path"] == versions(workspace).live().path
    assert set(told["approval"]) == {"by", "at", "reason", "waived", "version"}


def test_who_decides_is_the_user_unless_said_otherwise(greenlight, refuse):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    told = json.loads(greenlight("approve", "--reason", WHY, "--json").stdout)
    assert told["approval"]["by"] == whoami()


def test_the_model_that_is_live_already_is_not_pushed_again(approve, refuse, workspace):
    model = refuse(ACCURACY_HOLDS, BASELINE_GONE)
    versions(workspace).push(model, Facts())
    result = approve()
    assert result.exit_code == 0
    assert result.stdout.startswith("Version 2 is live already; it is the model of run")
    assert read_run(workspace.metadata, RUN).output("Approval", "blessing") is not None


def test_a_second_approval_changes_nothing(approve, refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    first = json.loads(approve("--json").stdout)
    again = json.loads(approve("--by", "bob", "--json").stdout)
    assert again == first | {"outcome": "unchanged"}
    assert len(versions(workspace).versions()) == 2


def test_an_approved_version_that_is_not_live_any_more_is_promoted_by_its_number(approve, refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    approve()
    versions(workspace).rollback()
    message = refusal(approve(), 2)
    assert message.endswith(
        "as version 2, which is not live any more. `greenlight promote 2` makes it live again."
    )
    assert versions(workspace).live().number == 1


def test_a_model_that_was_rolled_back_stays_out(approve, refuse, workspace):
    model = refuse(ACCURACY_HOLDS, BASELINE_GONE)
    versions(workspace).push(model, Facts())
    versions(workspace).rollback()
    assert refusal(approve(), 1) == (
        "Nothing was promoted: this very model was rolled back as version 2; "
        "`greenlight promote 2` makes it live all the same."
    )
    assert read_run(workspace.metadata, RUN).stage("Approval") is None


# --- what may be waived


def test_a_condition_that_is_not_named_keeps_the_model_out(approve, refuse, workspace):
    refuse(ACCURACY_FAILS, SHORT_FAILS, BASELINE_GONE)
    assert refusal(approve("--waive", "accuracy"), 3) == (
        f"Run {RUN} stays refused. "
        "An approval waives the comparison with production alone, and this failed, too:\n"
        "  accuracy fails on length:short: --waive accuracy@length:short\n"
        "Repeat the command with each of them that you accept, or with --waive-all."
    )
    assert versions(workspace).live().number == 1
    assert RunResult.load(workspace.result(RUN)).approval is None


@pytest.mark.parametrize(
    "waivers", [["--waive", "accuracy", "--waive", "accuracy@length:short"], ["--waive-all"]]
)
def test_what_is_named_is_waived(approve, refuse, waivers):
    refuse(ACCURACY_FAILS, SHORT_FAILS, BASELINE_GONE)
    result = approve(*waivers)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("Waived: accuracy, accuracy@length:short, baseline\n")


def test_a_waiver_of_what_did_not_fail_is_a_mistake(approve, refuse):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    message = f"'accuracy' is no condition that failed in run {RUN}; these did: baseline."
    assert refusal(approve("--waive", "accuracy"), 2) == message


def test_a_model_that_does_not_serve_is_never_promoted(approve, refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE, serves=False)
    assert refusal(approve("--waive-all"), 3) == (
        f"Run {RUN} stays refused: its model does not serve, and that cannot be waived: it crashed"
    )
    assert versions(workspace).live().number == 1


def test_json_of_a_refusal_has_its_exit_code(approve, refuse):
    refuse(ACCURACY_FAILS)
    told = json.loads(approve("--json").stdout)
    assert told["exit_code"] == 3
    assert "--waive accuracy" in told["error"]


# --- which runs, by whom, why


def test_a_reason_is_asked_for(greenlight, refuse):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    assert "Missing option '--reason'" in refusal(greenlight("approve"), 2)
    message = "An approval needs a reason: say it with --reason."
    assert refusal(greenlight("approve", "--reason", " \n"), 2) == message


def test_a_run_that_is_not_there_is_answered_before_anything_is_made(greenlight, workspace, refuse):
    assert refusal(greenlight("approve", "2027", "--reason", WHY), 2).startswith("There is no run in ")
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    assert refusal(greenlight("approve", "2027", "--reason", WHY), 2).startswith("There is no run '2027' in ")
    assert not (workspace.root / ".run.lock").exists()


@pytest.mark.parametrize("verdict", ["promoted", "stopped", "failed"])
def test_only_a_refused_run_is_approved(approve, workspace, verdict):
    RunResult(verdict=verdict, run=RUN).save(workspace.result(RUN))
    message = f"Run {RUN} was not refused: it is {verdict}. There is nothing to approve."
    assert refusal(approve(), 2) == message


def test_what_the_store_refused_is_not_the_gates(approve, refuse, workspace):
    refuse(ACCURACY_HOLDS)
    reasons = ("this very model was rolled back as version 2",)
    RunResult(verdict="refused", run=RUN, reasons=reasons).save(workspace.result(RUN))
    assert refusal(approve(), 2) == f"The gate did not refuse the model of run {RUN}: {reasons[0]}"


def test_of_two_refused_runs_the_named_one_is_promoted(approve, refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    refuse(ACCURACY_HOLDS, BASELINE_GONE, run="20261123-101500.000001")
    assert approve("20261122").exit_code == 0
    assert versions(workspace).live().manifest.facts.run_id == RUN


def test_a_workspace_in_use_is_left_alone(approve, refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    with workspace.exclusively():
        assert "Another run is using the workspace" in refusal(approve(), 1)


# --- the model has to be the one that was evaluated


def test_a_model_whose_folder_is_gone_is_not_promoted(approve, refuse, workspace):
    model = refuse(ACCURACY_HOLDS, BASELINE_GONE)
    shutil.rmtree(model)
    message = f"The model of run {RUN} is not at {model} any more. Run again to train it anew."
    assert refusal(approve(), 1) == message
    assert versions(workspace).live().number == 1


def test_a_model_that_was_changed_is_not_promoted(approve, refuse, workspace):
    model = refuse(ACCURACY_HOLDS, BASELINE_GONE)
    (model / "variables" / "variables.index").write_text("better")
    assert refusal(approve(), 1) == (
        f"The model at {model} was changed since run {RUN} evaluated it. "
        "Run again with --no-cache to train and judge it anew."
    )
    assert versions(workspace).live().number == 1


def test_a_model_that_nobody_fingerprinted_is_not_promoted(approve, refuse):
    refuse(ACCURACY_HOLDS, BASELINE_GONE, properties={"outcome": "refused"})
    message = f"Run {RUN} kept no digest of its model, so that nobody can tell it. Run again."
    assert refusal(approve(), 1) == message


def test_a_lost_verdict_is_said_so(approve, refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    path = workspace.artifacts / RUN / "verdict" / "verdict.json"
    path.unlink()
    assert refusal(approve(), 1).startswith(f"The gate's verdict at {path} cannot be read (")


def test_a_push_that_fails_records_nothing(approve, refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    shutil.rmtree(workspace.serving("imdb_sentiment"))
    workspace.serving("imdb_sentiment").write_text("a file")
    assert "Part of that path is a file" in refusal(approve(), 1)
    assert read_run(workspace.metadata, RUN).stage("Approval") is None
    assert RunResult.load(workspace.result(RUN)).approval is None


def test_a_decision_cut_short_is_finished_by_making_it_again(approve, refuse, workspace, monkeypatch):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.approval.record", lambda *_, **__: 1 / 0)
        assert approve().exit_code == 1
    assert versions(workspace).live().number == 2
    assert approve().exit_code == 0
    assert len(versions(workspace).versions()) == 2
    assert read_run(workspace.metadata, RUN).stage("Approval") is not None
    assert RunResult.load(workspace.result(RUN)).approval["version"] == "2"


def test_nothing_heavy_is_imported(refuse, workspace):
    refuse(ACCURACY_HOLDS, BASELINE_GONE)
    arguments = ["approve", "--workspace", str(workspace.root), "--reason", WHY]
    script = (
        "import sys\nfrom click.testing import CliRunner\nfrom pipeline.cli import cli\n"
        f"done = CliRunner().invoke(cli, {arguments!r})\n"
        "heavy = [name for name in ('tensorflow', 'tfx', 'apache_beam') if name in sys.modules]\n"
        "print(done.exit_code, heavy)\n"
    )
    root = Path(cli.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=root
    )
    assert done.stdout == "0 []\n", done.stderr

"""`greenlight retrain --watch` as a person runs it: killed with -9 in the middle, and started again."""

import csv
import json
import signal
import subprocess
import threading
import time
from pathlib import Path

import processes
import pytest
from small_run import SMALL_MODEL

from benchmarks.reviews_made import real_reviews
from pipeline.config import load
from pipeline.retraining import attempts
from pipeline.retraining.journal import Journal
from pipeline.retraining.paths import Paths
from pipeline.retraining.policy.history import History
from pipeline.workspace.layout import Workspace

pytestmark = pytest.mark.proof

QUICK = ("retrain.poll_seconds=0.2", "retrain.settle_seconds=0.2")


class Watched:
    """A folder of spans, a workspace, and the watchers that were started on it."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.watchers: list[subprocess.Popen] = []
        self.settings = [
            f"workspace={self.workspace}",
            f"cache_dir={cache}",
            f"data.source=files:{folder}/spans/span-{{SPAN}}/*.csv",
            *SMALL_MODEL,
            "gate.min_accuracy=0.6",
            *QUICK,
        ]

    def land(self, number: int, rows: list[tuple[str, int]]) -> None:
        draft = self.folder / f"span-{number}"
        draft.mkdir()
        with (draft / "reviews.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label"), *rows])
        (self.folder / "spans").mkdir(exist_ok=True)
        draft.rename(self.folder / "spans" / draft.name)

    def start(self) -> subprocess.Popen:
        watcher = subprocess.Popen(
            [*processes.GREENLIGHT, "retrain", "--watch", *processes.with_set(*self.settings)],
            cwd=self.folder,
            env=processes.environment(),
            stdout=subprocess.DEVNULL,
        )
        self.watchers.append(watcher)
        return watcher

    def wait_for(self, condition) -> None:
        deadline = time.monotonic() + 240
        while not condition():
            assert time.monotonic() < deadline, self.journal()
            threading.Event().wait(0.1)

    def journal(self) -> list[dict]:
        path = self.workspace / "retraining" / "journal.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def training(self) -> bool:
        logs = self.workspace.glob("runs/*/run.log")
        return any("Trainer" in log.read_text(errors="replace") for log in logs)

    def ended(self) -> list[str]:
        return [line["verdict"] for line in self.journal() if line["kind"] == "ended"]

    def aside(self) -> list[str]:
        decisions = [line["decision"] for line in self.journal() if line["kind"] == "decided"]
        return [decision["why"] for decision in decisions if decision["kind"] == "set-aside"]


@pytest.fixture
def watched(tmp_path, embedding_cache):
    one = Watched(tmp_path, embedding_cache)
    yield one
    for watcher in one.watchers:
        watcher.terminate()
        watcher.wait(60)


def verdict_without_a_result(watched: Watched) -> str:
    """What is found of the run, had it been killed after its last stage, before it wrote its result."""
    paths = Paths(Workspace.at(watched.workspace))
    attempt = History(Journal(paths.journal).records()).attempts[0]
    result = paths.workspace.result(attempt.run)
    result.unlink()
    ended = attempts.recovered(attempt, load(assignments=watched.settings), paths)
    assert ended is not None and result.is_file()
    return ended.verdict


def test_the_run_goes_on_its_verdict_counts_and_flipped_labels_are_quarantined(watched):
    reviews = real_reviews()
    some = reviews[:12_500:21] + reviews[12_500::21]
    watched.land(1, some)
    killed = watched.start()
    watched.wait_for(watched.training)
    killed.kill()
    killed.wait()
    assert watched.ended() == []

    again = watched.start()
    watched.wait_for(watched.ended)
    flipped = [(text, 1 - label) for text, label in reviews[5:12_500:50] + reviews[12_505::50]]
    watched.land(2, flipped)
    watched.wait_for(watched.aside)
    again.send_signal(signal.SIGTERM)
    assert again.wait(60) == 0

    assert watched.ended() == ["promoted"]
    assert len(list(watched.workspace.glob("runs/*"))) == 1, "the span was run twice"
    assert verdict_without_a_result(watched) == "promoted"
    assert "of the 500 labels of span 2, fewer than retrain.min_agreement" in watched.aside()[0]

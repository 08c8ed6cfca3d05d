"""A store on an object store: no rename there, so the order of copies has to keep half versions away."""

import contextlib
import shutil
import types

import pytest
import tensorflow as tf

import serving.storage.gfile
from serving.errors import StoreBusy, StoreError
from serving.storage.gfile import GfileFiles
from serving.store.manifest import Facts
from serving.versions import VersionStore

CHANGES = ("copy", "remove", "rmtree", "makedirs", "GFile")


class Died(BaseException):
    """The process is gone: nothing catches this, and nothing is cleaned up after it."""


class DyingGfile:
    """tf.io.gfile whose process dies before its `step`-th change, and so does nothing more after it."""

    def __init__(self, step: int) -> None:
        self.changes: list[str] = []
        self._step = step

    def __getattr__(self, name):
        real = getattr(tf.io.gfile, name)

        def call(*arguments, **options):
            if name in CHANGES and "rb" not in arguments:
                self.changes.append(name)
                if len(self.changes) >= self._step:
                    raise Died
            return real(*arguments, **options)

        return call


def dying(monkeypatch, step):
    gfile = DyingGfile(step)
    monkeypatch.setattr(
        serving.storage.gfile,
        "tf",
        types.SimpleNamespace(io=types.SimpleNamespace(gfile=gfile), errors=tf.errors),
    )
    return gfile


def open_store(root, *, now=0.0):
    return VersionStore(root, files=GfileFiles(settle_seconds=0, clock=lambda: now), wait_seconds=0)


@pytest.fixture
def bucket(tmp_path):
    """A folder reached by tf.io.gfile alone; ram:// will not do, it adds where it should replace."""
    return str(tmp_path / "bucket")


@pytest.fixture
def two_versions(tmp_path, make_model):
    """A store with versions 1 and 2, to copy."""
    root = str(tmp_path / "two-versions")
    for name in "ab":
        open_store(root).push(make_model(name), Facts())
    return root


def states(root):
    return tuple(f"{version.number} {version.state}" for version in open_store(root).versions())


def assert_sound(root):
    """Whatever has its saved_model.pb is whole, and one such version is live."""
    store = open_store(root)
    there = [version for version in store.versions() if version.published]
    assert there
    assert [store.verify(version.number) for version in there] == [[]] * len(there)


ACTIONS = {
    "push": (lambda store, model: store.push(model("c"), Facts()), {"2 live", "3 live"}),
    "rollback": (lambda store, model: store.rollback(expect=2), {"2 live", "1 live"}),
    "prune": (lambda store, model: store.prune(1), {"2 live"}),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_death_at_any_change_leaves_no_half_version(bucket, two_versions, make_model, monkeypatch, action):
    run, expected = ACTIONS[action]
    step, seen = 0, set()
    while True:
        step += 1
        shutil.rmtree(bucket, ignore_errors=True)
        shutil.copytree(two_versions, bucket)
        with monkeypatch.context() as patch:
            gfile = dying(patch, step)
            with contextlib.suppress(Died):
                run(open_store(bucket), make_model)
        if len(gfile.changes) < step:
            break
        assert_sound(bucket)
        seen |= {state for state in states(bucket) if state.endswith("live")}
        run(open_store(bucket, now=1e6), make_model)
        assert_sound(bucket)
        assert "incomplete" not in " ".join(states(bucket))
        assert tf.io.gfile.listdir(f"{bucket}/.greenlight/staging") == []
    assert seen == expected
    assert step > 10


def test_saved_model_comes_last_and_goes_first(bucket, make_model, monkeypatch):
    order = []
    copy, remove = tf.io.gfile.copy, tf.io.gfile.remove
    monkeypatch.setattr(
        tf.io.gfile,
        "copy",
        lambda source, target, overwrite: (order.append(target), copy(source, target, overwrite)),
    )
    monkeypatch.setattr(tf.io.gfile, "remove", lambda path: (order.append(path), remove(path)))
    store = open_store(bucket)
    store.push(make_model("a"), Facts())
    copied = [path for path in order if path.startswith(f"{bucket}/1/")]
    assert copied[-1] == f"{bucket}/1/saved_model.pb"
    assert f"{bucket}/1/greenlight.manifest.json" in copied
    order.clear()
    store.push(make_model("b"), Facts())
    store.prune(1)
    assert next(path for path in order if path.startswith(f"{bucket}/1/")) == f"{bucket}/1/saved_model.pb"


def test_lease_of_a_dead_writer_blocks_until_its_end_and_names_the_way_out(bucket, make_model, monkeypatch):
    open_store(bucket).push(make_model("a"), Facts())
    with monkeypatch.context() as patch:
        dying(patch, 4)
        with pytest.raises(Died):
            open_store(bucket).push(make_model("b"), Facts())
    with pytest.raises(
        StoreBusy, match=r"lock is held by process \d+ on .*; if it died, delete that object or wait"
    ):
        open_store(bucket, now=800).push(make_model("b"), Facts())
    assert open_store(bucket, now=1000).push(make_model("b"), Facts()).outcome == "pushed"


def test_lease_that_ran_out_publishes_nothing(bucket, make_model):
    times = iter([0.0] * 12)
    files = GfileFiles(settle_seconds=0, clock=lambda: next(times, 1e9))
    with (
        pytest.raises(StoreError, match=r"the lease .* ran out before the work was done\. Try again\."),
        files.lock(f"{bucket}/lock", wait_seconds=0, lease_seconds=900) as held,
    ):
        for _ in range(20):
            held.confirm()


def test_prune_deletes_nothing_once_its_lease_ran_out(two_versions, monkeypatch):
    times = {"now": 0.0}
    store = VersionStore(two_versions, files=GfileFiles(settle_seconds=0, clock=lambda: times["now"]))
    check = store._reader.check

    def slow_check(version):
        times["now"] += 901
        return check(version)

    monkeypatch.setattr(store._reader, "check", slow_check)
    with pytest.raises(StoreError, match=r"the lease .* ran out before the work was done\. Try again\."):
        store.prune(1)
    assert states(two_versions) == ("2 live", "1 previous")
    assert_sound(two_versions)
    assert open_store(two_versions, now=1e6).prune(1) == [1]


def test_lost_object_is_named(bucket, make_model):
    store = open_store(bucket)
    store.push(make_model("a"), Facts())
    tf.io.gfile.remove(f"{bucket}/1/variables/variables.index")
    assert [str(problem) for problem in store.verify(1)] == [
        "version 1: variables/variables.index is missing"
    ]


def test_store_of_a_url_is_opened_by_gfile():
    store = VersionStore("ram://nothing/serving/imdb_sentiment/")
    assert isinstance(store._files, GfileFiles)
    assert store.root == "ram://nothing/serving/imdb_sentiment"
    assert store.versions() == []

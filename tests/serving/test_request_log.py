"""The sampled request log: what is kept, in which files, for how long, and at whose cost."""

import os
import resource
import shutil
import signal
import time

import numpy as np
import pytest
from waiting import until

from serving import request_log
from serving.errors import StoreError
from serving.request_log import RequestLog, finished, read


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "requests"


@pytest.fixture
def outcomes() -> list[tuple[str, int]]:
    """What a log with `counting` says became of its rows."""
    return []


@pytest.fixture
def counting(outcomes):
    return {"outcome": lambda outcome, rows: outcomes.append((outcome, rows))}


def wait_until_taken(log):
    """Until the thread has nothing left to take."""
    until(lambda: log._offered_bytes == log._taken_bytes and log._queue.empty())


def offer(log, *texts, version=1, request_id="r-1", **inputs):
    log.offer(
        inputs=inputs or {"text": np.array([text.encode() for text in texts], object)},
        outputs={
            "probability": np.full(len(texts), 0.75, np.float32),
            "label": np.array([b"positive"] * len(texts), object),
        },
        version=version,
        request_id=request_id,
    )


def test_what_was_asked_and_answered_is_read_back(folder):
    before = time.time()
    log = RequestLog(folder, share=1)
    offer(log, "a film", "schön", version=7, request_id="r-9")
    log.close()
    first, second = read(folder)
    assert (first.text, second.text) == (b"a film", "schön".encode())
    assert (first.probability, first.label, first.version) == (0.75, b"positive", 7)
    assert first.request_id == b"r-9"
    assert before - 1e-5 <= first.time <= time.time()


def test_the_text_of_serialized_examples_is_kept_too(folder):
    import tensorflow as tf

    example = tf.train.Example()
    example.features.feature["text"].bytes_list.value.append(b"inside")
    log = RequestLog(folder, share=1)
    offer(log, "", examples=np.array([example.SerializeToString()], object))
    log.close()
    assert [request.text for request in read(folder)] == [b"inside"]


def test_a_request_of_another_kind_leaves_nothing(folder):
    log = RequestLog(folder, share=1)
    offer(log, "x", numbers=np.zeros(1))
    log.offer(inputs={}, outputs={"y": np.zeros(1)}, version=1, request_id=None)
    scalars = {"probability": np.array(0.5), "label": np.array(b"positive", object)}
    log.offer(inputs={"text": np.array([b"x"], object)}, outputs=scalars, version=1, request_id=None)
    log.close()
    assert list(read(folder)) == []


def test_of_more_than_two_classes_each_probability_is_kept(folder):
    log = RequestLog(folder, share=1)
    log.offer(
        inputs={"text": np.array([b"an offer"], object)},
        outputs={
            "probabilities": np.array([[0.25, 0.125, 0.625]], np.float32),
            "label": np.array([b"offer"], object),
        },
        version=2,
        request_id=None,
    )
    log.close()
    (request,) = read(folder)
    assert (request.label, request.probability) == (b"offer", 0.625)
    assert request.probabilities == (0.25, 0.125, 0.625)


ODD = {
    "a label of numbers": ([b"odd"], [0.5], np.array([7])),
    "several probabilities": ([b"odd"], [[0.5, 0.5]], np.array([b"positive"], object)),
    "no bytes": (["odd"], [0.5], np.array([b"positive"], object)),
    "no example": ([b"\xff\xff"], [0.5], np.array([b"positive"], object)),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_row_costs_itself_and_not_the_open_file(folder, outcomes, counting, odd):
    texts, probability, label = ODD[odd]
    log = RequestLog(folder, share=1, **counting)
    offer(log, "before")
    log.offer(
        inputs={"examples" if odd == "no example" else "text": np.array(texts, object)},
        outputs={"probability": np.array(probability), "label": label},
        version=1,
        request_id="caf\udce9",
    )
    offer(log, "after")
    log.close()
    assert [request.text for request in read(folder)] == [b"before", b"after"]
    assert outcomes == [("dropped", 1), ("written", 2)]


def test_of_a_request_the_rows_that_are_not_odd_are_kept(folder, outcomes, counting):
    log = RequestLog(folder, share=1, **counting)
    log.offer(
        inputs={"text": np.array([b"a", b"odd", b"c"], object)},
        outputs={"probability": np.full(3, 0.5), "label": np.array([b"positive", 7, b"negative"], object)},
        version=1,
        request_id=None,
    )
    log.close()
    assert [request.text for request in read(folder)] == [b"a", b"c"]
    assert outcomes == [("dropped", 1), ("written", 2)]


def test_only_a_share_is_kept(folder):
    log = RequestLog(folder, share=0.5, outcome=lambda outcome, rows: None)
    for _ in range(900):
        offer(log, "a film")
    log.close()
    assert 300 < len(list(read(folder))) < 600


def test_only_requests_since_a_time_are_read(folder):
    log = RequestLog(folder, share=1)
    offer(log, "early")
    log.close()
    middle = time.time()
    log = RequestLog(folder, share=1)
    offer(log, "late")
    log.close()
    assert [request.text for request in read(folder, since=middle)] == [b"late"]
    assert list(read(folder, since=time.time() + 1)) == []


def test_a_file_has_its_name_only_when_it_is_whole_and_its_rows_are_counted_then(folder, outcomes, counting):
    log = RequestLog(folder, share=1, **counting)
    offer(log, "a film", "another")
    until(lambda: os.listdir(folder))
    assert (finished(folder), len(os.listdir(folder)), outcomes) == ([], 1, [])
    log.close()
    assert [path.name for path in finished(folder)] == os.listdir(folder)
    assert outcomes == [("written", 2)]


def test_what_is_counted_is_what_the_files_hold(folder, outcomes, counting):
    log = RequestLog(folder, share=1, file_mib=0.001, **counting)
    for number in range(20):
        offer(log, *[f"{number} " + "x" * 100] * (number % 3 + 1))
    offer(log, "no text", numbers=np.zeros(1))
    log.close()
    assert {outcome for outcome, _ in outcomes} == {"written"}
    assert len(outcomes) == len(finished(folder)) > 4
    assert sum(rows for _, rows in outcomes) == len(list(read(folder)))


def test_a_full_file_is_finished_and_another_begun(folder):
    log = RequestLog(folder, share=1, file_mib=0.001)
    for number in range(20):
        offer(log, f"{number} " + "x" * 300)
    log.close()
    assert len(finished(folder)) >= 4
    assert [request.text.split()[0] for request in read(folder)] == [b"%d" % number for number in range(20)]


def test_an_old_file_is_finished_although_nothing_more_comes(folder):
    log = RequestLog(folder, share=1, file_seconds=0.02)
    offer(log, "a film")
    until(lambda: finished(folder))
    log.close()
    assert len(list(read(folder))) == 1


def test_the_oldest_files_go_when_there_is_too_much(folder):
    log = RequestLog(folder, share=1, file_mib=0.4, max_mib=1)
    for number in range(6):
        offer(log, f"{number} " + os.urandom(250_000).hex())
    log.close()
    kept = [int(request.text.split()[0]) for request in read(folder)]
    assert kept == sorted(kept)
    assert kept[-1] == 5
    assert 0 not in kept
    assert sum(path.stat().st_size for path in finished(folder)) <= 2**20


def test_files_beyond_their_days_go(folder):
    log = RequestLog(folder, share=1)
    offer(log, "long ago")
    log.close()
    os.utime(finished(folder)[0], (1, 1))
    log = RequestLog(folder, share=1, max_days=1)
    offer(log, "today")
    log.close()
    assert [request.text for request in read(folder)] == [b"today"]


def test_what_a_killed_server_left_is_removed_and_what_a_running_one_writes_is_not(folder):
    folder.mkdir()
    old, new = folder / ".writing-old.tfrecord.gz", folder / ".writing-new.tfrecord.gz"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    RequestLog(folder, share=1).close()
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("room", [0, 300])
def test_a_full_disk_drops_the_rows_and_counts_none_of_them_as_written(folder, outcomes, counting, room):
    """The system's own limit on the size of files fails the writes as a full disk does."""
    import tensorflow as tf  # noqa: F401  # writes files of its own when it is first imported

    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = RequestLog(folder, share=1, file_mib=0.001, **counting)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        for number in range(20):
            offer(log, f"{number} " + os.urandom(300).hex())
        log.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert {outcome for outcome, _ in outcomes} == {"dropped"}
    assert sum(rows for _, rows in outcomes) == 20
    assert os.listdir(folder) == []


def test_a_writer_that_does_not_keep_up_costs_rows_and_not_time(folder, monkeypatch):
    monkeypatch.setattr("serving.request_log._LONGEST_QUEUE", 2)
    monkeypatch.setattr(RequestLog, "_work", lambda self: None)
    outcomes = []
    log = RequestLog(folder, share=1, outcome=lambda outcome, rows: outcomes.append((outcome, rows)))
    for _ in range(3):
        offer(log, "a", "b")
    assert outcomes == [("dropped", 2)]


def test_long_texts_that_wait_are_counted_by_their_bytes(folder, monkeypatch, outcomes, counting):
    monkeypatch.setattr("serving.request_log._MOST_QUEUED_BYTES", 100)
    log = RequestLog(folder, share=1, **counting)
    offer(log, "x" * 101)
    assert outcomes == [("dropped", 1)]
    for number in range(20):  # what was taken makes room
        offer(log, f"{number:90}")
        wait_until_taken(log)
    log.close()
    assert outcomes[1:] == [("written", 20)]


def test_a_folder_that_cannot_be_made_is_one_clear_error(folder):
    folder.write_text("a file")
    with pytest.raises(StoreError, match=r"^could not keep the request log in .*requests: File exists"):
        RequestLog(folder, share=1)


def test_a_disk_that_fails_does_not_end_the_log_and_is_told_of_once(
    folder, monkeypatch, caplog, outcomes, counting
):
    tries = []

    class FullAtFirst(request_log._OpenFile):
        def __init__(self, folder):
            tries.append(folder)
            if len(tries) <= 2:
                raise OSError("no space left")
            super().__init__(folder)

    monkeypatch.setattr("serving.request_log._OpenFile", FullAtFirst)
    log = RequestLog(folder, share=1, **counting)
    for text in ("lost", "lost, too", "kept"):
        offer(log, text)
    log.close()
    assert outcomes == [("dropped", 1), ("dropped", 1), ("written", 1)]
    assert [(record.message, record.error) for record in caplog.records] == [
        ("the request log cannot be written", "no space left")
    ]
    assert [request.text for request in read(folder)] == [b"kept"]


def test_a_file_that_cannot_be_finished_in_its_time_does_not_end_the_log(folder, caplog, monkeypatch):
    class OnceWithoutFolder(request_log._OpenFile):
        def finish(self):
            if not caplog.records:
                shutil.rmtree(folder)
            super().finish()

    monkeypatch.setattr("serving.request_log._OpenFile", OnceWithoutFolder)
    log = RequestLog(folder, share=1, file_seconds=0.02)
    offer(log, "lost with its folder")
    until(lambda: caplog.records)
    folder.mkdir()
    offer(log, "kept")
    log.close()
    assert [request.text for request in read(folder)] == [b"kept"]


def test_a_file_that_cannot_be_finished_leaves_nothing_behind(
    folder, monkeypatch, caplog, outcomes, counting
):
    def refuse(*paths):
        raise OSError("disk quota exceeded")

    monkeypatch.setattr("serving.request_log.os.rename", refuse)
    log = RequestLog(folder, share=1, **counting)
    offer(log, "lost")
    offer(log, "lost", "as well")
    log.close()
    assert outcomes == [("dropped", 3)]
    assert [record.error for record in caplog.records] == ["disk quota exceeded"]
    assert os.listdir(folder) == []

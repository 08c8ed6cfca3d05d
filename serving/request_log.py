"""The sampled request log: requests and predictions as tf.Examples, for drift monitoring.

A thread writes GZIP TFRecord files. A file has a hidden name until it is whole, then it is renamed; what a
killed server left behind is removed by a later one. The oldest files go when size or age exceed their limits.
"""

import contextlib
import dataclasses
import logging
import os
import queue
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from serving.errors import as_store_error

_LOG = logging.getLogger("greenlight.serving.request_log")

SUFFIX = ".tfrecord.gz"
_UNFINISHED = ".writing-"
_LONGEST_QUEUE = 1000
_MOST_QUEUED_BYTES = 64 * 2**20
_ABANDONED_SECONDS = 3600.0
_MIB = 2**20
FILE_SECONDS, FILE_MIB = 60, 16
"""A file is finished, so that it can be read, at this age or size, whichever it reaches first."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedRequest:
    """One text and its answer.

    Attributes:
      probability: that of the positive class where the model has two, that of the label where it has more.
      time: in seconds since the epoch.
      probabilities: that of each of more than two classes, in their order; () where there are two.
    """

    text: bytes
    probability: float
    label: bytes
    version: int
    time: float
    request_id: bytes
    probabilities: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Answered:
    inputs: Mapping[str, np.ndarray]
    outputs: Mapping[str, np.ndarray]
    version: int
    time: float
    request_id: str
    size: int


class RequestLog:
    """Keeps a share of the requests in `folder`. `offer` only queues a request, and never waits.

    Args:
      folder: the folder of the files, which is created if needed.
      share: the share of the requests that are kept, from 0 to 1.
      max_mib, max_days: the maximum size of all files, and age of a file; the oldest are deleted.
      file_mib, file_seconds: the size or age at which a file is finished.
      outcome: called with "written" and a number of rows once their file is finished, or with "dropped" if
        the queue was full or the file could not be written.

    Raises:
      StoreError: the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        share: float,
        max_mib: int = 1024,
        max_days: float = 30,
        file_mib: float = FILE_MIB,
        file_seconds: float = FILE_SECONDS,
        outcome: Callable[[str, int], None] = lambda outcome, rows: None,
    ) -> None:
        self._folder = folder
        self._share = share
        self._max_bytes, self._max_seconds = max_mib * _MIB, max_days * 86_400
        self._file_bytes, self._file_seconds = file_mib * _MIB, file_seconds
        self._outcome = outcome
        self._queue: queue.Queue[_Answered | None] = queue.Queue(_LONGEST_QUEUE)
        self._offered_bytes = self._taken_bytes = 0  # each is changed by one thread only
        self._file: _OpenFile | None = None
        self._open_rows = 0
        """Rows that are neither in a whole file nor lost."""
        self._failing = False
        with as_store_error(f"keep the request log in {folder}", str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(folder)
        self._thread = threading.Thread(target=self._work, name="request-log", daemon=True)
        self._thread.start()

    def offer(
        self,
        *,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, np.ndarray],
        version: int,
        request_id: str | None,
    ) -> None:
        """Keeps an answered request, or not, at random by the share."""
        if random.random() >= self._share or not _has_rows(outputs):
            return
        size = sum(len(text) for given in inputs.values() if given.dtype == object for text in given.flat)
        answered = _Answered(
            inputs=inputs,
            outputs=outputs,
            version=version,
            time=time.time(),
            request_id=request_id or "",
            size=size,
        )
        try:
            if self._offered_bytes - self._taken_bytes + size > _MOST_QUEUED_BYTES:
                raise queue.Full
            self._queue.put_nowait(answered)
            self._offered_bytes += size
        except queue.Full:
            self._outcome("dropped", len(outputs["label"]))

    def close(self) -> None:
        """Finishes what is queued and the open file; waits ten seconds at most."""
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=1)
        self._thread.join(10)

    def _work(self) -> None:
        running = True
        while running:
            try:
                wait = self._file.seconds_left(self._file_seconds) if self._file else None
                answered = self._queue.get(timeout=wait)
                running = answered is not None
            except queue.Empty:
                answered = None
            try:
                if answered is None:
                    self._finish()
                else:
                    self._write(answered)
            except Exception as error:  # a full disk, mostly: the log is not worth an answer
                self._give_up(error)

    def _write(self, answered: _Answered) -> None:
        self._taken_bytes += answered.size
        rows, odd = _examples(answered)
        if odd:
            self._outcome("dropped", odd)
        if not rows:
            return
        self._open_rows += len(rows)
        if self._file is None:
            self._file = _OpenFile(self._folder)
        for row in rows:
            self._file.write(row)
        if self._file.size >= self._file_bytes or self._file.seconds_left(self._file_seconds) <= 0:
            self._finish()

    def _finish(self) -> None:
        if self._file is not None:
            self._file.finish()
            self._file = None
            self._failing = False
            self._settle("written")
            _forget(self._folder, max_bytes=self._max_bytes, max_seconds=self._max_seconds)

    def _give_up(self, error: Exception) -> None:
        """Drops the open file; says so once, until a file is whole again."""
        if self._file is not None:
            self._file.discard()
            self._file = None
        self._settle("dropped")
        if not self._failing:
            self._failing = True
            _LOG.warning("the request log cannot be written", extra={"error": str(error)})

    def _settle(self, outcome: str) -> None:
        if self._open_rows:
            self._outcome(outcome, self._open_rows)
            self._open_rows = 0


class _OpenFile:
    """A file being written under a hidden name."""

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        stamp = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{time.time_ns() % 10**9:09d}"
        self._path = folder / f"requests-{stamp}-{secrets.token_hex(3)}{SUFFIX}"
        self._hidden = folder / f"{_UNFINISHED}{self._path.name}"
        self._writer = tf.io.TFRecordWriter(str(self._hidden), tf.io.TFRecordOptions(compression_type="GZIP"))
        self._begun = time.monotonic()
        self.size = 0

    def seconds_left(self, age: float) -> float:
        return max(0.0, self._begun + age - time.monotonic())

    def write(self, record: bytes) -> None:
        self._writer.write(record)
        self.size += len(record)

    def finish(self) -> None:
        self._writer.close()
        os.rename(self._hidden, self._path)

    def discard(self) -> None:
        with contextlib.suppress(Exception):
            self._writer.close()
        with contextlib.suppress(OSError):
            self._hidden.unlink()


def _has_rows(outputs: Mapping[str, np.ndarray]) -> bool:
    """Whether there is a label for each row, and a probability, or one for each class."""
    scores = _scores(outputs)
    return scores is not None and scores.ndim > 0 and "label" in outputs and outputs["label"].ndim > 0


def _scores(outputs: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The output with the probabilities, of the positive class or of each of more; None without one."""
    scores = outputs.get("probability", outputs.get("probabilities"))
    return None if scores is None or (scores.ndim != 2 and "probability" not in outputs) else scores


def _examples(answered: _Answered) -> tuple[list[bytes], int]:
    """The rows as serialized tf.Examples, and how many others a tf.Example cannot hold.

    A model of another kind may answer with a label of numbers or a probability of several. A request without
    texts has no rows.
    """
    columns = [_texts(answered.inputs), _scores(answered.outputs), answered.outputs["label"]]
    if any(column is None or np.ndim(column) == 0 for column in columns):
        return [], 0
    if len({len(column) for column in columns}) != 1:
        return [], 0
    rows = [_example(answered, *row) for row in zip(*columns, strict=True)]
    kept = [row for row in rows if row is not None]
    return kept, len(rows) - len(kept)


def _example(answered: _Answered, text: Any, probability: Any, label: Any) -> bytes | None:
    """A row as a serialized tf.Example; None where one cannot hold it. probability: or one for each class."""
    import tensorflow as tf

    example = tf.train.Example()
    feature = example.features.feature
    try:
        feature["text"].bytes_list.value.append(text)
        each = [] if "probability" in answered.outputs else probability.tolist()
        feature["probability"].float_list.value.append(max(each) if each else float(probability))
        if each:
            feature["probabilities"].float_list.value.extend(each)
        feature["label"].bytes_list.value.append(label)
    except (TypeError, ValueError):
        return None
    feature["version"].int64_list.value.append(answered.version)
    # A float list has 32 bits, too few for a time in seconds: whole microseconds are kept as well.
    feature["time"].float_list.value.append(answered.time)
    feature["time_us"].int64_list.value.append(int(answered.time * 1e6))
    feature["request_id"].bytes_list.value.append(answered.request_id.encode(errors="replace"))
    return example.SerializeToString()


def _texts(inputs: Mapping[str, np.ndarray]) -> Any:
    """The text of each row; None where a request has none, and in place of one that cannot be read."""
    if "text" in inputs:
        return inputs["text"]
    if "examples" not in inputs or np.ndim(inputs["examples"]) == 0:
        return None
    return [_text_of(serialized) for serialized in inputs["examples"]]


def _text_of(serialized: Any) -> bytes | None:
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        feature = tf.train.Example.FromString(serialized).features.feature
    except (DecodeError, TypeError):
        return None
    return feature["text"].bytes_list.value[0] if feature["text"].bytes_list.value else b""


def read(folder: Path, since: float | None = None) -> Iterator[LoggedRequest]:
    """The requests in the finished files of `folder`, oldest file first; those from the time `since` on."""
    import tensorflow as tf

    for path in finished(folder):
        if since is not None and path.stat().st_mtime < since:
            continue
        for record in tf.data.TFRecordDataset(str(path), compression_type="GZIP").as_numpy_iterator():
            request = _parsed(tf.train.Example.FromString(record).features.feature)
            if since is None or request.time >= since:
                yield request


def finished(folder: Path) -> list[Path]:
    """The finished files, oldest first."""
    return sorted(folder.glob(f"requests-*{SUFFIX}"))


def unfinished(folder: Path) -> list[Path]:
    """The files that a server is still writing. One that was killed has left its own there."""
    return sorted(folder.glob(f"{_UNFINISHED}*{SUFFIX}"))


def _parsed(feature: Any) -> LoggedRequest:
    return LoggedRequest(
        text=feature["text"].bytes_list.value[0],
        probability=feature["probability"].float_list.value[0],
        label=feature["label"].bytes_list.value[0],
        version=feature["version"].int64_list.value[0],
        time=feature["time_us"].int64_list.value[0] / 1e6,
        request_id=feature["request_id"].bytes_list.value[0],
        probabilities=tuple(feature["probabilities"].float_list.value) if "probabilities" in feature else (),
    )


def _forget(folder: Path, *, max_bytes: float, max_seconds: float) -> None:
    """Removes the oldest files until the others fit the limits."""
    total, oldest = 0, time.time() - max_seconds
    for path in reversed(finished(folder)):
        with contextlib.suppress(FileNotFoundError):
            facts = path.stat()
            total += facts.st_size
            if total > max_bytes or facts.st_mtime < oldest:
                path.unlink()


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()

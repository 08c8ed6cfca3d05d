"""The finished shards of a batch prediction, which a later attempt takes over. Needs no Beam.

A shard is a file of predictions for some consecutive rows of an input file. Beside it is its manifest: the
job (model, format, columns), the digest of the input rows, and the digest of the shard itself. A shard counts
only with a manifest that fits all three, so nothing is taken from another model, from other rows, or from a
file that was only half written.
"""

import dataclasses
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from components.batch_prediction.unlabeled import Unlabeled
from serving.storage.whole_file import write_whole

_MANIFEST = ".json"
_UNFINISHED = ".part"
_NAME_LENGTH = 32


@dataclasses.dataclass(frozen=True, order=True)
class Place:
    """The place of a shard in the output: the number of its input file, and its own in that file, from 0."""

    part: int
    number: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """A finished shard. file: its name in the folder. taken_over: whether an earlier attempt wrote it."""

    place: Place
    file: str
    rows: int
    taken_over: bool = False


def rows_digest(file: str, rows: Iterable[Unlabeled]) -> str:
    """The sha256 of the rows of a file with their line numbers, which are all that a shard depends on."""
    digest = hashlib.sha256(json.dumps(file).encode())
    for row in rows:
        fields = json.dumps([row.line, row.text, row.fields], ensure_ascii=False, default=repr)
        digest.update(fields.encode(errors="surrogatepass") + b"\n")
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class ShardFolder:
    """A folder of shards of one job. Many workers may use it at once.

    Attributes:
      path: the folder, which all workers see.
      job: the digest of the job; see `job_digest`.
    """

    path: str
    job: str

    def find(self, place: Place, *, rows: str) -> Shard | None:
        """The finished shard for the rows with the digest `rows`, whatever place it had before."""
        try:
            manifest = json.loads(self._manifest(rows).read_text(encoding="utf-8"))
            file = Path(self.path, manifest["file"])
            fits = (manifest["job"], manifest["input"]) == (self.job, rows)
            if fits and _sha256(file) == manifest["sha256"]:
                return Shard(place=place, file=file.name, rows=manifest["rows"], taken_over=True)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return None

    def write(
        self, place: Place, *, rows: str, count: int, suffix: str, fill: Callable[[str], None]
    ) -> Shard:
        """Writes a shard and then its manifest, each atomically.

        Args:
          place: where it belongs in the output.
          rows: the digest of the input rows.
          count: how many they are.
          suffix: of the file.
          fill: writes the content to the path that it gets.

        Raises:
          OSError: the folder cannot be written.
        """
        draft = Path(self.path, f"{uuid.uuid4().hex}{_UNFINISHED}")
        try:
            fill(str(draft))
            sha256 = _sha256(draft)
            # By its content, too: the attempt of a worker that was thought dead may end beside another one.
            file = f"{rows[:_NAME_LENGTH]}-{sha256[:8]}{suffix}"
            os.replace(draft, Path(self.path, file))
            manifest = {"job": self.job, "input": rows, "file": file, "rows": count, "sha256": sha256}
            draft.write_text(json.dumps(manifest), encoding="utf-8")
            os.replace(draft, self._manifest(rows))
        finally:
            draft.unlink(missing_ok=True)
        return Shard(place=place, file=file, rows=count)

    def _manifest(self, rows: str) -> Path:
        return Path(self.path, f"{rows[:_NAME_LENGTH]}{_MANIFEST}")


def finished_rows(path: Path) -> int:
    """The number of rows in finished shards of a folder; 0 where there is none."""
    counts = 0
    for manifest in path.glob(f"*{_MANIFEST}"):
        try:
            counts += json.loads(manifest.read_text(encoding="utf-8"))["rows"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return counts


def write_shard_list(path: Path, shards: Iterable[Shard]) -> None:
    """Writes the shards in the order of their places."""
    listed = sorted(shards, key=lambda shard: shard.place)
    write_whole(path, json.dumps([dataclasses.asdict(shard) for shard in listed]))


def read_shard_list(path: Path) -> list[Shard]:
    """The inverse of `write_shard_list`."""
    listed = json.loads(path.read_text(encoding="utf-8"))
    return [Shard(**{**shard, "place": Place(**shard["place"])}) for shard in listed]


def job_digest(**facts: object) -> str:
    """The sha256 of what the content of all shards of a job depends on, besides their rows."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Figures of stages, and the folder that keeps them and the reviews they are measured on."""

import contextlib
import dataclasses
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import reviews_made


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One stage at one size. `seconds` and `cpu` are of the work, `process` is wall time with the imports."""

    stage: str
    size: int
    reviews: int
    seconds: float
    cpu: float
    process: float
    peak_mib: float

    @property
    def microseconds(self) -> float:
        """Wall time of the work for each review."""
        return 1e6 * self.seconds / max(self.reviews, 1)


@contextlib.contextmanager
def opened(scratch: Path | None) -> Iterator[Path]:
    """The given folder, or one that is deleted with the context."""
    if scratch is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
    else:
        scratch.mkdir(parents=True, exist_ok=True)
        yield scratch.absolute()


def make_reviews(folder: Path, size: int, *, a_file: int = reviews_made.REVIEWS_A_FILE) -> None:
    """Writes as many reviews into `folder/source`, unless they are there."""
    source, draft = folder / "source", folder / "draft"
    if not source.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        draft.mkdir(parents=True)
        reviews_made.write(draft, size, a_file=a_file)
        draft.rename(source)


def kept(path: Path) -> list[Measured]:
    if not path.exists():
        return []
    return [Measured(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def keep(path: Path, measured: list[Measured]) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_text(
        "".join(json.dumps(dataclasses.asdict(one)) + "\n" for one in measured), encoding="utf-8"
    )
    draft.replace(path)

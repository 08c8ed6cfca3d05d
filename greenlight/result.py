"""The result of a run, which a notebook shows as its verdict with all conditions."""

from pipeline.results.outcome import RunResult
from pipeline.results.verdict_table import verdict_markdown


class Result(RunResult):
    """What `greenlight run --json` prints, as attributes; see RunResult."""

    def _repr_markdown_(self) -> str:
        return verdict_markdown(self)

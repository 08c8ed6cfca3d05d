"""The result of a run, which a notebook shows as its verdict with all conditions."""

from pipeline.results.outcome import RunResult
from pipeline.results.verdict_table import verdict_markdown


class Result(RunResult):
    """What `greenlight run --json` prints, as attributes; see RunResult.

    `version` is text, as in the JSON; `version_number` is the same as a number, as `Prediction.version` is.
    """

    @property
    def version_number(self) -> int | None:
        """The version that is live after the run; None where there is none."""
        return None if self.version is None else int(self.version)

    def __repr__(self) -> str:
        accuracy = self.metrics.get("accuracy")
        figure = "" if accuracy is None else f", accuracy {accuracy:.4f}"
        return f"<run {self.run}: {self.verdict}{figure}>"

    def _repr_markdown_(self) -> str:
        return verdict_markdown(self)

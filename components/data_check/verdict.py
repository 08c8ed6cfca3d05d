"""The artifact that the data check leaves: what it found, for the report and the lineage."""

import json
from typing import Any

from tfx.dsl.io import fileio
from tfx.types import artifact

VERDICT_FILE = "verdict.json"


class DataVerdict(artifact.Artifact):
    """A folder with VERDICT_FILE.

    {"splits": {name: SplitFacts as JSON}, "findings": [one line each],
     "reading": what example_gen's reading.json says, or null}
    """

    TYPE_NAME = "DataVerdict"


def write_verdict(verdict: DataVerdict, content: dict[str, Any]) -> None:
    """Writes the verdict's file into its folder."""
    fileio.makedirs(verdict.uri)
    with fileio.open(f"{verdict.uri}/{VERDICT_FILE}", "w") as file:
        file.write(json.dumps(content, indent=1))


def read_verdict(uri: str) -> dict[str, Any]:
    """What `write_verdict` wrote into the folder `uri`."""
    with fileio.open(f"{uri}/{VERDICT_FILE}") as file:
        return json.loads(file.read())

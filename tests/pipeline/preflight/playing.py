"""Plays commands one after the other in this process and says how each ended, and what it had loaded.

`python playing.py FILE`, where FILE holds a JSON list of {"folder": ..., "arguments": [...]}.
"""

import json
import os
import sys
from pathlib import Path

HEAVY = ("tensorflow", "tfx", "tensorflow_model_analysis", "sklearn")


def main(file: str) -> None:
    from click.testing import CliRunner

    from pipeline import cli

    ended = []
    for played in json.loads(Path(file).read_text()):
        os.chdir(played["folder"])
        result = CliRunner().invoke(cli.cli, played["arguments"], prog_name="greenlight")
        loaded = [name for name in HEAVY if name in sys.modules]
        ended.append([result.exit_code, result.stdout, result.stderr, loaded])
    print(json.dumps(ended))


if __name__ == "__main__":
    main(sys.argv[1])

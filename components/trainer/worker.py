"""One process of a training in several: `python -m components.trainer.worker JOB`.

All run the same job; TF_CONFIG in the environment says which of them this is. The first one exports.
"""

import argparse
import os
import sys
import threading
import time
from pathlib import Path

from components.errors import GreenlightError
from components.trainer import progress, workers
from components.trainer.job import Job

_LOOK_SECONDS = 1.0


def main() -> int:
    """Takes part in the training; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m components.trainer.worker", description=__doc__)
    parser.add_argument("job", type=Path, metavar="JOB", help="what `Job.save` writes")
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)  # of a process that `workers` started
    given = parser.parse_args()
    if given.parent is not None:
        threading.Thread(target=_end_with, args=(given.parent,), daemon=True).start()
    try:
        _take_part(given.job)
    except GreenlightError as error:
        if given.parent is not None:  # which finds the error in the traceback
            raise
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _take_part(job: Path) -> None:
    leads = workers.leads(workers.cluster_of(os.environ.get(workers.TF_CONFIG)))
    given = Job.load(job)
    from components.trainer.train import carry_out  # TensorFlow, which takes seconds

    with progress.listening(lambda line: print(line, flush=True)):
        carry_out(given, exports=leads)


def _end_with(parent: int) -> None:
    """Ends this process once `parent` is gone: one that was killed could not end it."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())

"""One worker process of a distributed training: `python -m components.trainer.worker JOB`.

All run the same job; TF_CONFIG in the environment says which of them this is. The first one exports.
"""

import argparse
import os
import sys
from pathlib import Path

from components import error_file
from components.errors import GreenlightError, MachineFault
from components.trainer import progress, workers
from components.trainer.job import Job
from serving.machine import faults
from serving.machine.child_processes import end_with_parent


def main() -> int:
    """Takes part in the training; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m components.trainer.worker", description=__doc__)
    parser.add_argument("job", type=Path, metavar="JOB", help="what `Job.save` writes")
    parser.add_argument("--errors", type=Path, help=argparse.SUPPRESS)  # for `workers`, which started this
    given = parser.parse_args()
    end_with_parent()
    try:
        _take_part(given.job)
    except Exception as error:
        known = _known(error)
        if known is None:
            raise
        if given.errors is not None:
            error_file.write(given.errors, known)
        print(f"Error: {known}", file=sys.stderr)
        return known.exit_code
    return 0


def _known(error: Exception) -> GreenlightError | None:
    """The error for the user; None for an unexpected error."""
    if isinstance(error, GreenlightError):
        return error
    remedy = faults.remedy_of(error)
    return MachineFault(remedy) if remedy else None


def _take_part(job: Path) -> None:
    leads = workers.leads(workers.cluster_of(os.environ.get(workers.TF_CONFIG)))
    given = Job.load(job)
    from components.trainer.train import carry_out  # TensorFlow, which takes seconds

    with progress.reporting_to(lambda line: print(line, flush=True)):
        carry_out(given, exports=leads)


if __name__ == "__main__":
    sys.exit(main())

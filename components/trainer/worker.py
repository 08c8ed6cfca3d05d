"""One process of a training in several: `python -m components.trainer.worker JOB`.

All run the same job; TF_CONFIG in the environment says which of them this is. The first one exports.
"""

import argparse
import os
from pathlib import Path

from components.trainer import progress, workers


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m components.trainer.worker", description=__doc__)
    parser.add_argument("job", type=Path, metavar="JOB", help="what `train.Job` writes")
    given = parser.parse_args()
    leads = workers.leads(workers.cluster_of(os.environ.get(workers.TF_CONFIG)))
    from components.trainer.train import Job

    with progress.listening(lambda line: print(line, flush=True)):
        Job.load(given.job).carry_out(exports=leads)


if __name__ == "__main__":
    main()

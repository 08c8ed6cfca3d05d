"""What holds on every engine: the outputs of a run, and the end of its job server."""

import waiting
from e2e.engine import outputs
from e2e.engine.command_lines import processes_with
from e2e.engine.greenlight import Greenlight

from benchmarks.engines.parts import Engine


def require_same_work(here: Greenlight, there: Greenlight, engine: Engine) -> None:
    """A run and a prediction on an engine came to the same as those in process, and left no job server."""
    outputs.require_same_run(here.root, there.root)
    outputs.require_same_predictions(here.root / "out.csv", there.root / "out.csv")
    assert processes_with(str(engine.jar)) == []


def require_end_of_job_server(greenlight: Greenlight, engine: Engine, *, number: int, code: int) -> None:
    """A run that a signal reaches in its first stage ends with the code, and its job server ends with it."""
    with greenlight.started("run") as run:
        waiting.until(lambda: processes_with(str(engine.jar)), seconds=600)
        waiting.until((greenlight.root / "artifacts" / "ImdbExampleGen").is_dir, seconds=600)
        run.send_signal(number)
        _, said = run.communicate(timeout=300)
    assert (run.returncode, "Traceback" in said) == (code, False), said
    waiting.until(lambda: not processes_with(str(engine.jar)))

"""Greenlight in Python: runs, their verdicts, and predictions of the live model.

    import greenlight

    result = greenlight.run(workspace="workspace", settings={"trainer.epochs": 10})
    project = greenlight.load("workspace")
    project.runs.to_pandas()
    project.live.predict(["A text to label."])

It imports no TensorFlow: `run` starts a process of its own, and `live` imports it with its first prediction.
"""

from components.errors import GreenlightError, InputError, MachineFault
from greenlight.project import LoadedVersion, Project, Runs, load
from greenlight.result import Result
from greenlight.running import run
from greenlight.study import EarlyStopping, study_early_stopping
from serving.transports.calls import Prediction

__all__ = [
    "EarlyStopping",
    "GreenlightError",
    "InputError",
    "LoadedVersion",
    "MachineFault",
    "Prediction",
    "Project",
    "Result",
    "Runs",
    "load",
    "run",
    "study_early_stopping",
]

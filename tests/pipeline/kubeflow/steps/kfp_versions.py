"""The releases of Kubeflow Pipelines, by what a step sees of them; the dates are those of their tags."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Version:
    """What a range of releases does.

    publishes_logs: the driver adds the output `executor-logs`, where `publish_logs` is not "false".
    numbers_logs: the launcher appends the attempt's number to its address.
    output_in_task_root: the executor's output file is beside the outputs; before, in /tmp/kfp_outputs.
    retries: which tasks are started again after a failure: "none", those in the "root" (not those in the
      group of an exit handler), or "all".
    needs_retry_limit: without a backoffMaxDuration the limit of time is 0, which ends the retries before the
      first one.
    keeps_tasks: tasks and artifacts are in the API server and not in ML Metadata. An input artifact has the
      name of the output, an id of its own, and for the title of its type whatever the output's type said; an
      output that is not there is an error.
    """

    name: str
    publishes_logs: bool = False
    numbers_logs: bool = False
    output_in_task_root: bool = False
    retries: str = "all"
    needs_retry_limit: bool = False
    keeps_tasks: bool = False

    def attempts(self, task: dict[str, Any], *, in_root: bool) -> int:
        """How often a task is started at most."""
        policy = task.get("retryPolicy", {})
        if self.retries == "none" or (self.retries == "root" and not in_root):
            return 1
        if self.needs_retry_limit and policy.get("backoffMaxDuration", "0s") == "0s":
            return 1
        return 1 + policy.get("maxRetryCount", 0)


KFP_2_0 = Version("2.0.5 (2023-12-08) to 2.4.0 (2025-01-16)", retries="none")
KFP_2_4_1 = Version("2.4.1 (2025-02-28)", retries="root")
KFP_2_5 = Version("2.5.0 (2025-04-28)", retries="root", publishes_logs=True)
KFP_2_14 = Version("2.14.0 (2025-08-05) to 2.14.4 (2025-11-11)", needs_retry_limit=True, publishes_logs=True)
KFP_2_15 = dataclasses.replace(
    KFP_2_14, name="2.15.0 (2025-11-25) and 2.16.0 (2026-02-25)", output_in_task_root=True
)
KFP_2_17 = dataclasses.replace(
    KFP_2_15, name="2.16.1 (2026-05-04), 2.17.0 (2026-07-09), 7b70c7b (2026-08-21)", numbers_logs=True
)
TASK_API = dataclasses.replace(
    KFP_2_17, name="the branch mlmd-removal, e2520ff (2026-07-31)", keeps_tasks=True
)
PROTOCOLS = (KFP_2_0, KFP_2_14, KFP_2_15, KFP_2_17, TASK_API)
"""One of each kind that a step sees differently; the others differ in retries only."""
VERSIONS = (KFP_2_0, KFP_2_4_1, KFP_2_5, KFP_2_14, KFP_2_15, KFP_2_17, TASK_API)

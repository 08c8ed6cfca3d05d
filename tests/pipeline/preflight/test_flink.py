"""A Flink cluster that cannot take a job: it is said before any work starts. See also test_engines.py."""

import pytest
from apache_beam.version import __version__ as installed_beam
from refusals import input_error

from components.errors import MachineFault
from pipeline.preflight.beam_runner import require_usable

OVERVIEW = {"flink-version": "1.18.1", "taskmanagers": 1, "slots-total": 2, "slots-available": 2}


@pytest.fixture
def on_cluster(beam, java, answers):
    """Makes settings for a cluster whose overview differs so from a small one's."""

    def make(*options, **changes):
        answers.answer_json("/overview", OVERVIEW | {key.replace("_", "-"): changes[key] for key in changes})
        external = ("--environment_type=EXTERNAL", "--environment_config=localhost:50000")
        return beam("flink", java, *external, *options, flink_master=answers.address)

    return make


def test_a_cluster_without_task_managers_is_a_fault_of_the_machine(on_cluster):
    with pytest.raises(MachineFault, match="the Flink cluster has no task manager"):
        require_usable(on_cluster(taskmanagers=0, slots_total=0))


def test_a_cluster_with_too_few_slots_is_refused(on_cluster, answers):
    told = input_error(require_usable, on_cluster("--parallelism=3"))
    assert told == (
        f"beam.options: --parallelism=3 needs as many slots, but the Flink cluster at {answers.address} has "
        "2. Lower it, or add task managers."
    )


def test_a_cluster_of_a_flink_that_beam_does_not_know_is_refused(on_cluster):
    told = input_error(require_usable, on_cluster(flink_version="1.9.3"))
    assert (
        f"the cluster has Flink 1.9, and Beam {installed_beam} has no job server for it, only for 1." in told
    )

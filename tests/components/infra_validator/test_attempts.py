"""Which of two tries counts, and when it was the machine."""

import pytest

from components.errors import MachineFault
from components.infra_validator import attempts
from components.infra_validator.checks import CanaryResults, canary_results
from components.infra_validator.process import Ended
from serving.canary import Request

REQUEST = Request(model="nowhere", canaries=(), batch_size=2, alarm_seconds=60)
LOADING = {"step": "load"}
TIMING = {"step": "latency"}
DONE = {"step": "done"}


def tried(fault, *records) -> CanaryResults:
    why = None if fault is None else f"ended by a {fault}"
    return canary_results(Ended(records=records, why=why, fault=fault, log=""), request=REQUEST)


@pytest.mark.parametrize("fault", [None, "memory limit"])
def test_one_try_is_enough_where_it_came_to_an_end_of_its_own(fault):
    assert attempts.is_conclusive(tried(fault, DONE))


@pytest.mark.parametrize(
    "found", [tried("machine"), tried("crash", LOADING), tried("hang"), tried(None, LOADING)]
)
def test_an_early_end_asks_for_another_try(found):
    assert not attempts.is_conclusive(found)


@pytest.mark.parametrize("fault", ["machine", "crash", "hang"])
def test_a_second_try_that_comes_to_its_end_counts(fault):
    second = tried(None, DONE)
    assert attempts.settle(tried(fault, LOADING), second) is second


@pytest.mark.parametrize("fault", ["crash", "hang", None])
def test_a_model_that_ends_the_process_at_the_same_place_twice_is_to_blame(fault):
    second = tried(fault, LOADING)
    assert attempts.settle(tried(fault, LOADING), second) is second


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (tried("machine", LOADING), tried("machine", LOADING)),
        (tried("crash", LOADING), tried("machine", LOADING)),
        (tried("machine", LOADING), tried("crash", LOADING)),
        (tried("crash", LOADING), tried("crash", TIMING)),
        (tried("crash", LOADING), tried("hang", LOADING)),
    ],
)
def test_any_other_two_ends_are_the_machine_s(first, second):
    with pytest.raises(MachineFault, match=r"fault of the machine, not of the model.*run again") as raised:
        attempts.settle(first, second)
    assert raised.value.exit_code == 1


def test_what_the_machine_lacked_is_said():
    told = {"step": "machine", "error": "The disk is full."}
    with pytest.raises(MachineFault, match=r"while loading the model \(The disk is full\); started again"):
        attempts.settle(tried("machine", LOADING, told), tried("machine", LOADING, told))

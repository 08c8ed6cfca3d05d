"""File descriptors: the limit follows the settings where it may, and connections leave some free."""

import resource

import pytest

from serving.endpoint import descriptors
from serving.settings import ServeSettings

ENDLESS = resource.RLIM_INFINITY
SETTINGS = ServeSettings(max_connections=1000)  # and as many over gRPC


@pytest.fixture
def limits(monkeypatch):
    """Set the soft and hard limit of a process that is not this one; read what they became."""
    now = [1024, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda which: tuple(now))
    monkeypatch.setattr(resource, "setrlimit", lambda which, both: now.__setitem__(slice(None), both))
    return now


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1024, 4096), (2128, 4096)),
        ((1024, ENDLESS), (2128, ENDLESS)),
        ((4096, 4096), (4096, 4096)),
        ((2128, 2128), (2128, 2128)),
        ((ENDLESS, ENDLESS), (ENDLESS, ENDLESS)),
    ],
)
def test_the_limit_is_raised_to_what_the_connections_need(limits, caplog, before, after):
    limits[:] = before
    descriptors.reserve(SETTINGS)
    assert (tuple(limits), caplog.records) == (after, [])


@pytest.mark.parametrize(("before", "limit"), [((256, 256), 256), ((256, 2127), 2127)])
def test_a_limit_that_cannot_be_raised_far_enough_is_a_warning(limits, caplog, before, limit):
    limits[:] = before
    descriptors.reserve(SETTINGS)
    (record,) = caplog.records
    assert (limits[0], record.limit, record.needed, record.max_connections) == (limit, limit, 2128, 1000)
    assert "ulimit -n" in record.message


def test_a_system_that_allows_less_than_it_says_is_a_warning_too(limits, caplog, monkeypatch):
    def refuse(which, both):
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    limits[:] = (256, ENDLESS)
    descriptors.reserve(SETTINGS)
    (record,) = caplog.records
    assert (record.limit, record.needed) == (256, 2128)


def test_without_grpc_half_as_many_are_needed(limits):
    descriptors.reserve(ServeSettings(max_connections=1000, grpc=False))
    assert limits[0] == 1128


@pytest.mark.parametrize(("soft", "first"), [(64, 48), (256, 192), (1024, 896), (ENDLESS, 2**31)])
def test_connections_leave_a_quarter_free_but_no_more_than_128(limits, soft, first):
    limits[0] = soft
    assert descriptors.ceiling() == first


@pytest.mark.parametrize(
    ("soft", "settings", "http", "grpc"),
    [
        (ENDLESS, SETTINGS, 1000, 1000),
        (2128, SETTINGS, 1000, 1000),
        (1024, SETTINGS, 654, 218),
        (64, SETTINGS, 18, 6),
        (20, SETTINGS, 1, 1),
        (64, ServeSettings(max_connections=5), 5, 5),
        (64, ServeSettings(max_connections=1000, grpc=False), 24, 1),
    ],
)
def test_http_and_grpc_share_what_a_low_limit_leaves(limits, soft, settings, http, grpc):
    limits[0] = soft
    assert descriptors.shares(settings) == (http, grpc)

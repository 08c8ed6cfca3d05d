"""Which version counts as production, by what became of each."""

import pytest

from components.production_model.choice import compared_with
from serving.store.records import Version


def version(number: int, digest: str | None, state: str) -> Version:
    return Version(
        number=number,
        state=state,
        path=f"/store/{number}",
        digest=digest,
        manifest=None,
        problems=(),
        why="",
    )


@pytest.mark.parametrize(
    ("history", "candidate", "expected"),
    [
        ([(1, "a", "live")], "b", 1),
        ([(2, "b", "rolled-back"), (1, "a", "live")], "c", 1),
        # b was rolled back as 2 and made live again as 3.
        ([(3, "b", "live"), (2, "b", "rolled-back"), (1, "a", "older")], "c", 3),
        ([(3, "b", "live"), (2, "b", "rolled-back"), (1, "a", "older")], "b", 1),
        # c followed: the version before it is b, which counts although 2 was rolled back.
        ([(4, "c", "live"), (3, "b", "previous"), (2, "b", "rolled-back"), (1, "a", "older")], "c", 3),
        # b was rolled back once more: no number of it counts.
        ([(4, "b", "rolled-back"), (3, "a", "live"), (2, "b", "older")], "a", None),
        # A version whose content is not known rejects no other.
        ([(3, None, "rolled-back"), (2, None, "live")], "c", 2),
    ],
)
def test_what_became_of_a_models_newest_version_counts(history, candidate, expected):
    found = compared_with([version(*each) for each in history], candidate)
    assert (found.number if found else None) == expected

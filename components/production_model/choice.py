"""The choice of the baseline version that a candidate is compared with."""

from collections.abc import Sequence

from serving.store.records import Version

NOTHING = "none"
"""What `key_of` calls no version at all."""


def compared_with(versions: Sequence[Version], candidate: str) -> Version | None:
    """The version that the candidate is compared with; None if there is none.

    It is the live one, except that
    - a candidate is never its own baseline: of a model that is live already the version before it is taken,
      so that an unchanged run finds what it found before;
    - a candidate that a person has approved is not compared any more.
    A model that was rolled back is not chosen under any number, unless a person has made it live again since:
    what became of its newest version counts.

    Args:
      versions: the store's, largest number first.
      candidate: the candidate's digest; "" where there is none yet.
    """
    if any(version.digest == candidate and _approved(version) for version in versions):
        return None
    standing = [version for version in versions if version.published]
    rejected = _rolled_back(versions)
    return next((each for each in standing if each.digest not in {candidate, *rejected}), None)


def _rolled_back(versions: Sequence[Version]) -> set[str]:
    """The digests of the models whose newest version was rolled back."""
    newest: dict[str, Version] = {}
    for version in versions:
        if version.digest is not None:
            newest.setdefault(version.digest, version)
    return {digest for digest, version in newest.items() if version.state == "rolled-back"}


def key_of(version: Version | None) -> str:
    """What stands for a version in a cache key: its content, where that is known."""
    if version is None:
        return NOTHING
    return version.digest or f"version {version.number}"


def _approved(version: Version) -> bool:
    return version.manifest is not None and version.manifest.facts.approval is not None

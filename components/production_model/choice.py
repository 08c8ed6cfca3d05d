"""Which version of the store a candidate is compared with."""

from collections.abc import Sequence

from serving.store.records import Version

NOTHING = "none"
"""What `key_of` calls no version at all."""


def compared_with(versions: Sequence[Version], candidate: str) -> Version | None:
    """The version that the candidate has to stand up to, None where there is none.

    It is the live one, except that
    - a candidate is never its own baseline: of a model that is live already the version before it is taken,
      so that an unchanged run finds what it found before;
    - a candidate that a person has approved is not compared any more.
    What was rolled back is never chosen, under no number, unless a person made it live again.

    Args:
      versions: the store's, largest number first.
      candidate: the candidate's digest; "" where there is none yet.
    """
    if any(version.digest == candidate and _approved(version) for version in versions):
        return None
    standing = [version for version in versions if version.published]
    rejected = {version.digest for version in versions if version.state == "rolled-back"}
    rejected -= {version.digest for version in standing[:1]}
    return next((each for each in standing if each.digest not in {candidate, *rejected}), None)


def key_of(version: Version | None) -> str:
    """What stands for a version in a cache key: its content, where that is known."""
    if version is None:
        return NOTHING
    return version.digest or f"version {version.number}"


def _approved(version: Version) -> bool:
    return version.manifest is not None and version.manifest.facts.approval is not None

"""Rollback and prune: each version is removed by one rename, the live one last or never."""

from serving.errors import StoreError, StoreInputError
from serving.storage.files import Held
from serving.store.journal import ROLLBACK, SET_ASIDE
from serving.store.manifest import model_digest
from serving.store.publish import model_entries
from serving.store.records import RollbackResult, Version
from serving.store.writer import Writer


def roll_back(writer: Writer, *, why: str, expect: int | None) -> RollbackResult:
    """Rolls back to the previous good version; the model of the live version is rejected from then on.

    Versions between the two (damaged versions, copies of the bad model) are moved away first. The rename of
    the live version is the commit point; after it, the target has the largest number.

    Args:
      writer: the writer of the store.
      why: the reason, for the history.
      expect: the number that must be live; None for any.

    Raises:
      StoreError: there is no version, or no good version to go back to.
      StoreInputError: another version than `expect` is live.
    """
    _live(writer, writer.reader.versions())  # do not create a store
    with writer.locked() as held:
        versions = writer.reader.versions()
        live = _live(writer, versions)
        if expect is not None and live.number != expect:
            return _rolled_back_before(versions, live, expect)
        digest = live.digest or model_digest(model_entries(writer.files, live.path))
        target = _fallback(writer, versions, live, digest)
        numbered = [version for version in versions if version.published or version.state == "incomplete"]
        for version in reversed(numbered):
            if version.number > target.number and version is not live:
                _make_way(writer, held, version, bad=live.number, digest=digest)
        writer.shelve(live, held, action=ROLLBACK, digest=digest, why=why)
        for version in numbered:
            if version.number < target.number and version.digest == digest:
                _make_way(writer, held, version, bad=live.number, digest=digest)
        return RollbackResult(rolled_back=live.number, live=target.number, changed=True)


def prune(writer: Writer, *, keep: int, rolled_back: bool) -> list[int]:
    """Deletes all but the `keep` newest good versions.

    Args:
      writer: the writer of the store.
      keep: at least 1. The live version always stays.
      rolled_back: whether to delete the versions that were moved away, too.

    Returns:
      The numbers of the deleted versions, sorted.
    """
    if keep < 1:
        raise StoreInputError(f"keep = {keep}: at least 1 version is kept, because the live one always is")
    if not writer.reader.versions():
        return []
    with writer.locked() as held:
        good, victims = 0, []
        for version in writer.reader.versions():
            if version.state in ("rolled-back", "set-aside"):
                victims += [version] if rolled_back else []
            elif good >= keep:
                victims.append(version)
            elif version.published and not writer.reader.check(version):
                good += 1
        for version in reversed(victims):
            writer.discard(version, held, why=f"prune, keeping {keep}")
        return sorted(version.number for version in victims)


def _live(writer: Writer, versions: list[Version]) -> Version:
    for version in versions:
        if version.state == "live":
            return version
    raise StoreError(f"{writer.layout.root} has no version, so there is none to roll back")


def _rolled_back_before(versions: list[Version], live: Version, expect: int) -> RollbackResult:
    for version in versions:
        if version.number == expect and version.state == "rolled-back":
            return RollbackResult(rolled_back=expect, live=live.number, changed=False)
    raise StoreInputError(
        f"version {expect} is not live, version {live.number} is: nothing was rolled back. "
        f"To roll back the live one, ask for {live.number}"
    )


def _fallback(writer: Writer, versions: list[Version], live: Version, digest: str) -> Version:
    rejected = writer.reader.rejected(versions)
    reasons = []
    for version in versions:
        if not version.published or version.number >= live.number:
            continue
        problems = writer.reader.check(version)
        if problems:
            reasons.append(str(problems[0]))
        elif version.digest == digest or version.digest in rejected:
            reasons.append(f"version {version.number} is the same model as a bad one")
        else:
            return version
    detail = "".join(f"; {reason}" for reason in reasons)
    raise StoreError(
        f"there is no good version below {live.number} to roll back to{detail}. "
        f"Version {live.number} stays live; push or promote a better one"
    )


def _make_way(writer: Writer, held: Held, version: Version, *, bad: int, digest: str) -> None:
    if version.digest == digest:
        why = f"the same model as version {bad}, which was rolled back"
        writer.shelve(version, held, action=ROLLBACK, digest=digest, why=why)
    else:
        what = version.problems[0].what if version.problems else "is damaged"
        why = f"in the way of rolling back version {bad}: {what}"
        writer.shelve(version, held, action=SET_ASIDE, digest=version.digest, why=why)

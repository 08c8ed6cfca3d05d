"""The states of versions, as TensorFlow Serving reports them, and the errors about unknown versions."""

import dataclasses
import enum

from serving.status import Code, RequestError, invalid

_REMEMBERED = 50  # versions whose last state is kept


class State(enum.IntEnum):
    """TensorFlow Serving's states of a version; the value is its number in the protocol."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class VersionStatus:
    """The state of one version; `code` and `message` give the reason if an error keeps it from serving."""

    version: int
    state: State
    code: Code = Code.OK
    message: str = ""


def not_loaded(name: str, version: int | None) -> RequestError:
    """The error of a call to a model, or to that version of it, that is not served."""
    which = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return RequestError(Code.NOT_FOUND, f"Servable not found for request: {which}")


def unknown(name: str, version: int | None) -> RequestError:
    """The error of a status request for a model, or for that version of it, without a known state."""
    which = "any versions" if version is None else f"version {version}"
    return RequestError(Code.NOT_FOUND, f"Could not find {which} of model {name}")


def unknown_label(label: str) -> RequestError:
    """The error of a label that no version has."""
    return invalid(f"Unrecognized servable version label: {label}")


class VersionStates:
    """The last state of each version; the oldest versions are forgotten beyond the newest 50."""

    def __init__(self) -> None:
        self._states: dict[int, VersionStatus] = {}

    def set(self, version: int, state: State, code: Code = Code.OK, message: str = "") -> None:
        """Records the state of a version."""
        self._states[version] = VersionStatus(version=version, state=state, code=code, message=message)
        for old in sorted(self._states)[:-_REMEMBERED]:
            del self._states[old]

    def forget(self, version: int) -> None:
        """Removes a version, if it is known."""
        self._states.pop(version, None)

    def of(self, version: int) -> VersionStatus | None:
        """The state of a version; None if it is unknown."""
        return self._states.get(version)

    def all(self) -> list[VersionStatus]:
        """All known states, the newest version first."""
        return [status for _, status in sorted(self._states.items(), reverse=True)]

    def refused(self) -> list[VersionStatus]:
        """The states of refused versions, the newest version first."""
        return [one for one in self.all() if one.code is not Code.OK and one.state is State.END]

"""Moments: what the clock shows, and how much time has really passed since another moment.

The wall clock may be set back and forth (a person, NTP, a machine without a battery). So each moment also has
the time since the machine started, which nobody can set; within one start of the machine that is what counts.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclasses.dataclass(frozen=True)
class Moment:
    """`at` is aware, in UTC. `boot` names the start of the machine, "" where unknown; `uptime` is the seconds
    since then.
    """

    at: datetime.datetime
    boot: str = ""
    uptime: float = 0.0

    def since(self, then: Moment) -> float:
        """Seconds that have passed since `then`; never negative.

        Across starts of the machine only the wall clock is left. Where it says that `then` is yet to come, it
        was set back, and the distance is as good a guess as any: so no wait ever lasts longer than twice what
        it should, however wrong a clock was.
        """
        if self.boot and self.boot == then.boot:
            return max(0.0, self.uptime - then.uptime)
        distance = abs((self.at - then.at).total_seconds())
        started_since = bool(self.boot and then.boot)
        return max(distance, self.uptime) if started_since else distance

    def to_json(self) -> dict[str, Any]:
        return {"at": self.at.isoformat(), "boot": self.boot, "uptime": self.uptime}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` made.

        Raises:
          KeyError, ValueError, TypeError: it is something else.
        """
        at = datetime.datetime.fromisoformat(data["at"])
        if at.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return cls(at.astimezone(datetime.UTC), str(data.get("boot", "")), float(data.get("uptime", 0)))


def present() -> Moment:
    """This moment, by this machine."""
    at = datetime.datetime.now(datetime.UTC)
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
        return Moment(at, boot, time.clock_gettime(time.CLOCK_BOOTTIME))
    except (OSError, AttributeError):  # no Linux
        return Moment(at)


def pretended(at: datetime.datetime) -> Moment:
    """A moment that somebody names, for a rehearsal: only the wall clock counts."""
    return Moment(at.astimezone(datetime.UTC))

"""The clock of retraining: timestamps, and the seconds between two of them.

The wall clock can jump (a person, NTP, a machine without a battery). So each timestamp also holds the time
since the machine was started, which cannot be set; between two timestamps of one boot that difference counts.

    >>> start = Timestamp(datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC), boot="b1", uptime=100.0)
    >>> later = Timestamp(datetime.datetime(2026, 3, 1, 9, tzinfo=datetime.UTC), boot="b1", uptime=160.0)
    >>> later.since(start)  # the wall clock was set back by three hours meanwhile
    60.0
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
class Timestamp:
    """A point in time.

    Attributes:
      at: the wall clock, an aware time in UTC.
      boot: the id of the machine's boot; "" if unknown.
      uptime: seconds since that boot.
    """

    at: datetime.datetime
    boot: str = ""
    uptime: float = 0.0

    def since(self, then: Timestamp) -> float:
        """Seconds since `then`; never negative.

        Within one boot the difference of the uptimes. Across boots only the wall clock is left. If it says
        that `then` is in the future, it was set back; the absolute difference is returned, so that a wait
        of n seconds never lasts longer than 2n. The uptime is a lower bound if `then` is of an earlier boot.
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
        """The inverse of `to_json`.

        Raises:
          KeyError, ValueError, TypeError: the data is not a timestamp.
        """
        at = datetime.datetime.fromisoformat(data["at"])
        if at.tzinfo is None:
            raise ValueError("a timestamp needs a time zone")
        return cls(at.astimezone(datetime.UTC), str(data.get("boot", "")), float(data.get("uptime", 0)))


def read_clock() -> Timestamp:
    """The current time of this machine."""
    at = datetime.datetime.now(datetime.UTC)
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
        return Timestamp(at, boot, time.clock_gettime(time.CLOCK_BOOTTIME))
    except (OSError, AttributeError):  # no Linux
        return Timestamp(at)


def simulated(at: datetime.datetime) -> Timestamp:
    """A timestamp with the wall clock only, for `greenlight retrain --now`."""
    return Timestamp(at.astimezone(datetime.UTC))

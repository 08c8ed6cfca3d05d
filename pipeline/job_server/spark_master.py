"""The master of a standalone Spark cluster: whether it answers, and what its web page tells."""

from __future__ import annotations

import dataclasses
import http.client
import json
import re
import socket
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from components.errors import InputError, MachineFault

_SECONDS = 10.0
_PAGE_PORT = 8080
_VERSION = re.compile(r"""class=["']version["'][^>]*>\s*([\w.-]+)""")
"""The page has the version in an element of this class; its JSON does not have it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class State:
    """A cluster. version: of Spark; None where the page does not tell it. workers: those that are alive."""

    version: str | None
    workers: int
    cores: int
    free_cores: int


class SparkMaster:
    """The master at `address`, spark://HOST:PORT, with a web page at `page`; None: port 8080 of the host."""

    def __init__(self, address: str, page: str | None = None) -> None:
        self.address = address
        self._given = page
        self._page = (page or f"http://{urlsplit(address).hostname}:{_PAGE_PORT}").rstrip("/")

    def require_answer(self) -> None:
        """Raises:
        MachineFault: nothing listens at the address.
        """
        place = urlsplit(self.address)
        try:
            socket.create_connection((place.hostname or "", place.port or 0), timeout=_SECONDS).close()
        except (OSError, ValueError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise MachineFault(
                f"beam.spark_master = {self.address!r}: no Spark master answers there ({reason}). Start it, "
                "or correct the address (port 7077)."
            ) from error

    def state(self) -> State | None:
        """What the page tells; None if no page was named, and none is at the usual port.

        Raises:
          MachineFault: the page that was named does not answer.
          InputError: something else answers there.
        """
        try:
            found = json.loads(self._get("/json/"))
            alive = [worker for worker in found["workers"] if worker["state"] == "ALIVE"]
            cores = sum(worker["cores"] for worker in alive)
            used = sum(worker["coresused"] for worker in alive)
            version = _VERSION.search(self._get("/").decode(errors="replace"))
        except urllib.error.HTTPError as error:
            self._refuse_other(f" (HTTP {error.code})")
            return None
        except OSError as error:
            if self._given is None:
                return None
            reason = getattr(error, "reason", error)
            raise MachineFault(
                f"beam.spark_master_page = {self._given!r}: no page of a Spark master answers there "
                f"({reason}). Correct the address (port 8080), or unset it."
            ) from error
        except (ValueError, KeyError, TypeError, http.client.HTTPException):
            self._refuse_other()
            return None
        return State(
            version=version[1] if version else None, workers=len(alive), cores=cores, free_cores=cores - used
        )

    def end_of(self, name: str) -> str | None:
        """How the application of a name that begins so has ended, such as FAILED; None if it is unknown."""
        try:
            ended = json.loads(self._get("/json/"))["completedapps"]
            return next((str(each["state"]) for each in ended if each["name"].startswith(name)), None)
        except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
            return None

    def _get(self, path: str) -> bytes:
        # Not httpx, which writes a line to the log for each request.
        with urllib.request.urlopen(f"{self._page}{path}", timeout=_SECONDS) as response:
            return bytes(response.read())

    def _refuse_other(self, what: str = "") -> None:
        """Something else may well be at the usual port; at an address that was given it is a mistake."""
        if self._given is not None:
            raise InputError(
                f"beam.spark_master_page = {self._given!r}: what answers there is not the page of a Spark "
                f"master{what}. Give that of the master (port 8080), or unset it."
            )

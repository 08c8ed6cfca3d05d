"""`greenlight serve` beside other model servers: the same SavedModel, the same load, one after the other.

    python -m benchmarks.serving_peers --workspace workspace [--rounds 3] [--requests 15000]

The workspace needs a promoted version (`greenlight run`). The others are TensorFlow in FastAPI (uvicorn, one
process, no batching), BentoML, LitServe and MLServer, the last three with their batching on. Their packages
are pinned in requirements.txt beside this file and installed into an environment of their own, which stays in
the user's cache folder (2 GB); with TensorFlow 2.21 on both TFX generations.

In each round, each server in turn gets a warm-up, then 1, 64 and 256 clients over HTTP. A tenth of the
requests is sent by the single client.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure, described, machine, record, record_option, table
from benchmarks.processes import run
from benchmarks.serving.__main__ import MODEL
from benchmarks.serving.__main__ import serving as serving_greenlight
from benchmarks.serving.formats import TENSORFLOW
from benchmarks.serving_peers import environment
from benchmarks.serving_peers.peers import PEERS, NotStarted, serving
from serving.versions import VersionStore

OURS = "greenlight"
CLIENTS = (1, 64, 256)
WARM_UP_SHARE, SINGLE_CLIENT_SHARE = 0.1, 0.1
MEASURES = ("p50, ms", "p99, ms", "rows/s", "errors")

Rounds = dict[str, list[float]]
"""The values of each round by `server, clients, measure`."""


def main(arguments: list[str] | None = None) -> int:
    parser = described(__doc__)
    record_option(parser)
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=15_000, help="of 64 and of 256 clients, each")
    parser.add_argument("--only", action="append", choices=PEERS, help="compare with this one. Repeatable")
    parser.add_argument("--environment", type=Path, default=None, help="folder of the others' environment")
    given = parser.parse_args(arguments)
    if not (given.workspace / "serving" / MODEL).is_dir():
        raise SystemExit(f"There is no version in {given.workspace}: `greenlight run` makes one.")
    python = environment.make(given.environment or environment.cache_folder())
    print(machine(), flush=True)
    servers = [OURS, *(given.only or PEERS)]
    rounds: Rounds = {}
    for number in range(1, given.rounds + 1):
        for server in tuple(servers):
            try:
                with _started(server, given.workspace, python) as (url, form):
                    _measure(rounds, server, url, form, given.requests)
            except NotStarted as error:
                print(f"{server} is left out: {error}", flush=True)
                servers.remove(server)
                continue
            shown = rounds[key(server, 64, "rows/s")][-1]
            print(f"round {number}: {server}, 64 clients: {shown:,.0f} rows/s", flush=True)
    print(table(HEADER, rows(rounds, servers)))
    record(given.record, rounds)
    failed = sum(sum(rounds[key(OURS, clients, "errors")]) for clients in CLIENTS)
    figure = Figure(name=f"errors of {OURS}", value=failed, limit=0, digits=0)
    print(table(("figure", "value", ""), [figure.cells]))
    return 0 if figure.holds else 1


@contextmanager
def _started(server: str, workspace: Path, python: Path) -> Iterator[tuple[str, str]]:
    """The URL of a running server, and the name of its format."""
    if server == OURS:
        with serving_greenlight(workspace) as ours:
            yield ours.predict, TENSORFLOW
        return
    live = VersionStore(workspace / "serving" / MODEL).live()
    assert live is not None
    with tempfile.TemporaryDirectory() as folder:
        model = Path(live.path).absolute()
        with serving(PEERS[server], model=model, python=python, folder=Path(folder)) as url:
            yield url, PEERS[server].form


def _measure(rounds: Rounds, server: str, url: str, form: str, requests: int) -> None:
    """Appends one value to each of the server's measures."""
    _load(url, form, clients=64, requests=max(64, int(requests * WARM_UP_SHARE)))
    for clients in CLIENTS:
        sent = requests if clients > 1 else max(100, int(requests * SINGLE_CLIENT_SHARE))
        found = _load(url, form, clients=clients, requests=max(clients, sent))
        answered = 1 - found["failed"] / found["requests"]
        values = (
            found["median_ms"],
            found["p99_ms"],
            found["rows_per_second"] * answered,
            found["failed"],
        )
        for measure, value in zip(MEASURES, values, strict=True):
            rounds.setdefault(key(server, clients, measure), []).append(value)


def _load(url: str, form: str, *, clients: int, requests: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.serving.http_load", url, "--format", form]
    output = run([*command, "--clients", str(clients), "--requests", str(requests)]).output
    return json.loads(output.splitlines()[-1])


def key(server: str, clients: int, measure: str) -> str:
    return f"{server}, {clients} client{'s' if clients > 1 else ''}, {measure}"


HEADER = ("server", "clients", "p50, ms", "p99, ms", "rows/s", f"rows/s relative to {OURS}", "errors")


def rows(rounds: Mapping[str, list[float]], servers: Iterable[str]) -> list[tuple[str, ...]]:
    """Cells for HEADER: the medians of the rounds, and all errors."""
    cells = []
    for server in servers:
        for clients in CLIENTS:
            p50, p99, speed, errors = (rounds[key(server, clients, measure)] for measure in MEASURES)
            ours = statistics.median(rounds[key(OURS, clients, "rows/s")])
            cells.append(
                (
                    server,
                    str(clients),
                    f"{statistics.median(p50):.2f}",
                    f"{statistics.median(p99):.2f}",
                    f"{statistics.median(speed):,.0f}",
                    f"{statistics.median(speed) / ours:.2f}",
                    f"{sum(errors):.0f}",
                )
            )
    return cells


if __name__ == "__main__":
    sys.exit(main())

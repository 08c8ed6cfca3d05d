"""The server beside in-process calls of the model's signature, and a soak test with version switches.

    python -m benchmarks.serving --workspace workspace [--rounds 3]
    python -m benchmarks.serving --workspace workspace --soak 100000

The workspace needs a promoted version (`greenlight run`); it is copied, and the copy is served. In each
round, in turn: one review at a time and 64 at a time through the signature, in a process of its own; one
client, 64 clients and 256 clients over HTTP. The soak sends so many requests while ten versions come and go,
and wants no failure and no growing memory.
"""

import json
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure, described, record, record_option, table
from benchmarks.processes import CHECKOUT, GREENLIGHT, run
from serving.store.manifest import OWN_FILES, Facts
from serving.versions import VersionStore

MODEL = "imdb_sentiment"
CLIENTS = 64
CROWD = 256
SWITCHES = 10
LATENCY_LIMIT = 2.0
THROUGHPUT_LIMIT = 2.0
GROWTH_LIMIT_MIB = 64.0


class Server:
    """A `greenlight serve` over `workspace`, up."""

    def __init__(self, workspace: Path) -> None:
        command = [
            *GREENLIGHT,
            "serve",
            "--workspace",
            str(workspace),
            "--rest-port",
            "0",
            "--grpc-port",
            "0",
        ]
        quiet = ["--set", "serve.access_log=false", "--set", "serve.poll_seconds=0.2"]
        self.process = subprocess.Popen([*command, *quiet], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if "  ask " in line:
                break
        found = re.search(r"rest +(http://\S+?)/v1/", said)
        if found is None:
            raise SystemExit(f"the server did not start: {said}")
        self.url = found[1]
        self.predict = f"{self.url}/v1/models/{MODEL}:predict"

    def metric(self, name: str) -> float:
        """A metric of the one model."""
        page = urllib.request.urlopen(f"{self.url}/monitoring/prometheus/metrics").read().decode()
        found = re.search(rf"^{re.escape(name)}\{{.*?\}} (\S+)$", page, re.MULTILINE)
        assert found, f"no metric {name}"
        return float(found[1])

    def rss_mib(self) -> float:
        import psutil

        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def serving(workspace: Path) -> Iterator[Server]:
    server = Server(workspace)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def load_command(server: Server, *, clients: int, requests: int) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.serving.http_load", server.predict]
    return [*command, "--clients", str(clients), "--requests", str(requests)]


def load(server: Server, *, clients: int, requests: int) -> dict[str, float]:
    return json.loads(run(load_command(server, clients=clients, requests=requests)).output.splitlines()[-1])


def compare(workspace: Path, *, rounds: int, record_file: Path | None = None) -> bool:
    """Prints both sides of each round beside each other; whether the aims are met."""
    version = VersionStore(workspace / "serving" / MODEL).live()
    assert version is not None
    rows, latency, throughput = [], [], []
    values: dict[str, list[float]] = {}
    with serving(workspace) as server:
        load(server, clients=CLIENTS, requests=2000)
        for number in range(1, rounds + 1):
            command = [sys.executable, "-m", "benchmarks.serving.signature_calls", version.path]
            called = json.loads(run([*command, "--batch-sizes", f"1,{CLIENTS}"]).output.splitlines()[-1])
            called_rows = 1000 * CLIENTS / called[str(CLIENTS)]
            lone = load(server, clients=1, requests=5000)
            many = load(server, clients=CLIENTS, requests=30_000)
            crowd = load(server, clients=CROWD, requests=30_000)
            latency.append(lone["median_ms"] / called["1"])
            throughput.append(called_rows / many["rows_per_second"])
            measured = {
                "signature, 1 row, ms": called["1"],
                "HTTP, 1 client, ms": lone["median_ms"],
                f"signature, {CLIENTS} rows, rows/s": called_rows,
                f"HTTP, {CLIENTS} clients, rows/s": many["rows_per_second"],
                f"HTTP, {CROWD} clients, rows/s": crowd["rows_per_second"],
                f"HTTP, {CROWD} clients, p99 ms": crowd["p99_ms"],
                f"HTTP, {CROWD} clients, failed": crowd["failed"],
            }
            for name, value in measured.items():
                values.setdefault(name, []).append(value)
            rows.append(
                (
                    str(number),
                    f"{called['1']:.3f}",
                    f"{lone['median_ms']:.3f}",
                    f"{latency[-1]:.2f}",
                    f"{called_rows:,.0f}",
                    f"{many['rows_per_second']:,.0f}",
                    f"{many['median_ms']:.1f} / {many['p99_ms']:.1f}",
                    f"{crowd['rows_per_second']:,.0f}",
                    f"{crowd['median_ms']:.1f} / {crowd['p99_ms']:.1f}",
                )
            )
    header = ("round", "signature, 1 (ms)", "HTTP, 1 client (ms)", "ratio", f"signature, {CLIENTS} (rows/s)")
    for clients in (CLIENTS, CROWD):
        header += (f"HTTP, {clients} clients (rows/s)", "their median / p99 (ms)")
    print(table(header, rows))
    record(record_file, values)
    figures = [
        Figure(
            name="one review over HTTP, times the signature call",
            value=statistics.median(latency),
            limit=LATENCY_LIMIT,
        ),
        Figure(
            name=f"rows a second of signature calls, times those of {CLIENTS} clients",
            value=statistics.median(throughput),
            limit=THROUGHPUT_LIMIT,
        ),
        Figure(
            name=f"failed requests of {CROWD} clients",
            value=max(values[f"HTTP, {CROWD} clients, failed"]),
            limit=0,
        ),
    ]
    print(table(("figure", "value", ""), [figure.cells for figure in figures]))
    return all(figure.holds for figure in figures)


def soak(workspace: Path, *, requests: int) -> bool:
    """Sends the requests while versions come and go; whether none failed and memory stayed."""
    store = VersionStore(workspace / "serving" / MODEL)
    memory: list[float] = []
    with serving(workspace) as server:
        load(server, clients=CLIENTS, requests=max(1000, requests // 20))
        memory.append(server.rss_mib())
        print(
            f"start: version {server.metric('greenlight_model_version'):.0f}, {memory[-1]:,.0f} MiB",
            flush=True,
        )
        command = load_command(server, clients=CLIENTS // 2, requests=requests)
        with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as asking:
            result: dict[str, float] = {}
            for line in asking.stdout or ():
                result = json.loads(line)
                if (
                    result.get("done", 0) > len(memory) * requests / (SWITCHES + 1)
                    and len(memory) <= SWITCHES
                ):
                    wanted = _switch(store, len(memory))
                    while server.metric("greenlight_model_version") != wanted:
                        pass
                    memory.append(server.rss_mib())
                    print(f"{result['done']:>7}: version {wanted}, {memory[-1]:,.0f} MiB", flush=True)
        memory.append(server.rss_mib())
        code = server.end()
    print(f"end: {memory[-1]:,.0f} MiB, exit code {code}")
    print(json.dumps(result))
    growth = max(memory[SWITCHES // 2 + 1 :]) - max(memory[1 : SWITCHES // 2 + 1])
    figures = [
        Figure(name="failed requests", value=result["failed"], limit=0),
        Figure(name="versions switched to, of ten missing", value=SWITCHES + 2 - len(memory), limit=0),
        Figure(name="MiB that the second half needs beyond the first", value=growth, limit=GROWTH_LIMIT_MIB),
        Figure(name="exit code", value=code, limit=0),
    ]
    print(table(("figure", "value", ""), [figure.cells for figure in figures]))
    return all(figure.holds for figure in figures) and result["requests"] == requests


def _switch(store: VersionStore, number: int) -> int:
    """Every third time a rollback, else a new version with the same answers; returns what is live then."""
    if number % 3 == 0:
        return store.rollback("soak").live
    live = store.live()
    assert live is not None
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        shutil.copytree(live.path, model, ignore=lambda _, names: OWN_FILES & set(names))
        extra = model / "assets.extra"
        extra.mkdir(exist_ok=True)
        (extra / "soak").write_text(str(number))
        return store.push(model, Facts()).version


def main() -> None:
    parser = described(__doc__)
    record_option(parser)
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--soak", type=int, metavar="REQUESTS", help="soak instead of comparing")
    options = parser.parse_args()
    served = options.workspace / "serving" / MODEL
    if not served.is_dir():
        raise SystemExit(f"There is no version in {served}: `greenlight run` makes one.")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(served, copy / "serving" / MODEL)
        if options.soak:
            holds = soak(copy, requests=options.soak)
        else:
            holds = compare(copy, rounds=options.rounds, record_file=options.record)
    raise SystemExit(0 if holds else 1)


if __name__ == "__main__":
    main()

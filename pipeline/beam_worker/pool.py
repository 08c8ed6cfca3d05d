"""A pool of Beam workers for `--environment_type=EXTERNAL`, which task managers of one machine may share.

    python -m pipeline.beam_worker.pool --port 50000

Each task manager numbers its workers from 1-1 on. Beam's own pool knows a worker by that number alone: where
two task managers share it, the end of one's worker kills the other's. Here, a number that two workers have in
common ends neither: a worker ends by itself when its task manager closes the control channel.
"""

from __future__ import annotations

import argparse
import logging
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent import futures
from types import FrameType

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

from pipeline.beam_worker import process
from serving.endpoint.addresses import address
from serving.machine.bound_command import bound

_log = logging.getLogger(__name__)
_CALLS_AT_ONCE = 16
_GRACE_SECONDS = 10.0

Start = Callable[[Sequence[str]], "subprocess.Popen[bytes]"]


def start_process(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """A worker in a process that ends with this one."""
    return subprocess.Popen(bound([sys.executable, "-m", process.__name__, *arguments]))


class WorkerPool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):  # type: ignore[misc]
    """The service that a runner asks for workers.

    Args:
      start: starts a worker with the arguments of `process.main`.
    """

    def __init__(self, start: Start = start_process) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._workers: dict[str, list[subprocess.Popen[bytes]]] = defaultdict(list)

    def StartWorker(
        self, request: beam_fn_api_pb2.StartWorkerRequest, context: grpc.ServicerContext
    ) -> beam_fn_api_pb2.StartWorkerResponse:
        """Starts a worker; an error is part of the answer, as Beam has it."""
        given = [
            f"--id={request.worker_id}",
            f"--provision_endpoint={request.provision_endpoint.url}",
            f"--control_endpoint={request.control_endpoint.url}",
            f"--logging_endpoint={request.logging_endpoint.url}",
        ]
        try:
            worker = self._start(given)
        except OSError as error:
            return beam_fn_api_pb2.StartWorkerResponse(error=f"The worker did not start: {error}")
        with self._lock:
            alive = [other for other in self._workers[request.worker_id] if other.poll() is None]
            self._workers[request.worker_id] = [*alive, worker]
        _log.info("worker %s of %s: process %s", request.worker_id, request.control_endpoint.url, worker.pid)
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(
        self, request: beam_fn_api_pb2.StopWorkerRequest, context: grpc.ServicerContext
    ) -> beam_fn_api_pb2.StopWorkerResponse:
        """Ends the worker, unless another task manager has one of the same number."""
        with self._lock:
            alive = [worker for worker in self._workers[request.worker_id] if worker.poll() is None]
            if len(alive) == 1:
                del self._workers[request.worker_id]
        if len(alive) == 1:
            _end(alive)
        return beam_fn_api_pb2.StopWorkerResponse()

    def close(self) -> None:
        """Ends all workers."""
        with self._lock:
            workers = [worker for each in self._workers.values() for worker in each]
        _end(workers)


def _end(workers: Sequence[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        worker.terminate()
    for worker in workers:
        try:
            worker.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def main() -> None:
    """Serves until SIGTERM or Ctrl-C, and ends its workers then."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.beam_worker.pool", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--host",
        default="localhost",
        help="the address to listen at; whoever reaches it can run any code in a worker",
    )
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # Bound processes end with the thread that started them: these threads live as long as the server.
    server = grpc.server(futures.ThreadPoolExecutor(_CALLS_AT_ONCE), options=[("grpc.so_reuseport", 0)])
    pool = WorkerPool()
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    listens = address(given.host, given.port)
    try:
        server.add_insecure_port(listens)
    except RuntimeError:
        sys.exit(
            f"Error: cannot listen at {listens}: the port is in use, or the address is not one of this "
            "machine. Choose another with --port or --host."
        )
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server.start()
    _log.info("workers of Beam at %s", listens)
    ended.wait()
    server.stop(None).wait()
    pool.close()


if __name__ == "__main__":
    main()

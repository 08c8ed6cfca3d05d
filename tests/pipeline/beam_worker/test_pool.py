"""A pool that task managers share: each ends its own workers alone."""

import ipaddress
import signal
import subprocess
import sys

import grpc
import processes
import psutil
import pytest
from apache_beam.portability.api import beam_fn_api_pb2 as api
from apache_beam.portability.api import beam_fn_api_pb2_grpc

from pipeline.beam_worker.pool import WorkerPool

UNUSABLE = (
    "the port is in use, or the address is not one of this machine. Choose another with --port or --host."
)
WAITS = (sys.executable, "-S", "-c", "import sys; sys.stdin.read()")


class Started:
    """Starts processes that wait, and keeps them with their arguments."""

    def __init__(self) -> None:
        self.workers: list[subprocess.Popen] = []
        self.arguments: list[list[str]] = []

    def __call__(self, arguments):
        self.workers.append(subprocess.Popen(WAITS, stdin=subprocess.PIPE))
        self.arguments.append(list(arguments))
        return self.workers[-1]

    @property
    def alive(self) -> list[int]:
        return [number for number, worker in enumerate(self.workers) if worker.poll() is None]


@pytest.fixture
def started():
    found = Started()
    yield found
    for worker in found.workers:
        worker.kill()
        worker.communicate()


@pytest.fixture
def pool(started):
    return WorkerPool(started)


def start(pool, worker, manager="a"):
    request = api.StartWorkerRequest(worker_id=worker)
    request.control_endpoint.url = f"{manager}:1"
    request.provision_endpoint.url = f"{manager}:2"
    request.logging_endpoint.url = f"{manager}:3"
    return pool.StartWorker(request, None).error


def stop(pool, worker):
    assert not pool.StopWorker(api.StopWorkerRequest(worker_id=worker), None).error


def test_a_worker_gets_the_channels_of_its_task_manager_and_ends_when_told(pool, started):
    assert not start(pool, "1-1")
    assert started.arguments == [
        ["--id=1-1", "--provision_endpoint=a:2", "--control_endpoint=a:1", "--logging_endpoint=a:3"]
    ]
    stop(pool, "another")
    assert started.alive == [0]
    stop(pool, "1-1")
    stop(pool, "1-1")
    assert started.alive == []


def test_the_end_of_a_task_managers_worker_spares_that_of_another(pool, started):
    start(pool, "1-1", "a")
    start(pool, "1-1", "b")
    stop(pool, "1-1")
    assert started.alive == [0, 1]
    started.workers[0].communicate()  # as one does whose task manager has closed its channel
    stop(pool, "1-1")
    assert started.alive == []


def test_all_end_with_the_pool(pool, started):
    for worker in ("1-1", "1-1", "2-1"):
        start(pool, worker)
    pool.close()
    assert started.alive == []


def test_a_worker_that_does_not_start_is_an_answer():
    def fail(arguments):
        raise FileNotFoundError(2, "No such file", "python")

    assert "The worker did not start: [Errno 2] No such file: 'python'" in start(WorkerPool(fail), "1-1")


def listening_at(port, *, process):
    """The addresses at which the process listens at the port."""
    connections = psutil.Process(process).net_connections("tcp")
    found = (each.laddr for each in connections if each.status == psutil.CONN_LISTEN)
    # gRPC listens at IPv4 addresses by IPv6.
    return [ipaddress.ip_address(each.ip.removeprefix("::ffff:")) for each in found if each.port == port]


def refusal(command):
    done = subprocess.run(command, env=processes.environment(), capture_output=True, text=True, timeout=200)
    assert done.returncode == 1
    return done.stderr.splitlines()[-1].removeprefix("Error: ")


@pytest.mark.proof
def test_the_program_serves_until_it_is_told_to_end():
    port = processes.free_port()
    command = [sys.executable, "-m", "pipeline.beam_worker.pool", "--port", str(port)]
    with subprocess.Popen(command, env=processes.environment(), stderr=subprocess.PIPE, text=True) as served:
        try:
            with grpc.insecure_channel(f"localhost:{port}") as channel:
                stub = beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel)
                assert not stub.StopWorker(api.StopWorkerRequest(worker_id="1-1"), wait_for_ready=True).error
            assert refusal(command) == f"cannot listen at localhost:{port}: {UNUSABLE}"
            elsewhere = [*command, "--host", "2001:db8::1"]  # an address of documentation alone
            assert refusal(elsewhere) == f"cannot listen at [2001:db8::1]:{port}: {UNUSABLE}"
            addresses = listening_at(port, process=served.pid)
            assert addresses and all(each.is_loopback for each in addresses)
            served.send_signal(signal.SIGTERM)
            served.communicate(timeout=200)
        finally:
            served.kill()
    assert served.returncode == 0

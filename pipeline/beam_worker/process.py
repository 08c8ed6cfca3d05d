"""A worker of Beam in this process, started with the arguments that Beam gives to its containers.

A cluster starts it with `--environment_type=PROCESS`, and `pipeline.beam_worker.pool` for
`--environment_type=EXTERNAL`. It ends when the cluster closes the control channel.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

_SECONDS = 120.0


def main(given: Sequence[str] | None = None) -> None:
    """Works until the cluster has no more work. Files that a job stages are not installed."""
    parser = argparse.ArgumentParser(prog="greenlight-beam-worker", description=__doc__)
    parser.add_argument("--id", required=True, help="the worker's name on its channels")
    parser.add_argument("--provision_endpoint", required=True, metavar="HOST:PORT")
    for name in ("control", "logging"):
        parser.add_argument(f"--{name}_endpoint", default="", metavar="HOST:PORT")
    parsed, _ = parser.parse_known_args(given)
    os.environ.update(
        environment(
            parsed.id,
            provision=parsed.provision_endpoint,
            control=parsed.control_endpoint,
            logging=parsed.logging_endpoint,
        )
    )
    # Here, because steps of a job that begin together would import it in several threads, which can deadlock.
    import tensorflow  # noqa: F401
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main([])


def environment(worker_id: str, *, provision: str, control: str = "", logging: str = "") -> dict[str, str]:
    """The variables from which Beam's worker takes its settings.

    Args:
      worker_id: the worker's name on its channels.
      provision: HOST:PORT that answers with the options of the pipeline, and with the other channels.
      control: HOST:PORT of the work to do; "" takes that of the answer.
      logging: HOST:PORT for log lines; "" takes that of the answer.

    Raises:
      grpc.RpcError: the cluster does not answer.
    """
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
    from google.protobuf import json_format, text_format

    with grpc.insecure_channel(provision) as channel:
        answer = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel).GetProvisionInfo(
            beam_provision_api_pb2.GetProvisionInfoRequest(),
            metadata=[("worker_id", worker_id)],
            timeout=_SECONDS,
            wait_for_ready=True,
        )
    info = answer.info
    if control:
        info.control_endpoint.url = control
    if logging:
        info.logging_endpoint.url = logging
    found = {
        "WORKER_ID": worker_id,
        "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.control_endpoint),
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        "TF_USE_LEGACY_KERAS": "1",  # TF Hub's layer is a Keras 2 layer
    }
    if info.logging_endpoint.url:
        found["LOGGING_API_SERVICE_DESCRIPTOR"] = text_format.MessageToString(info.logging_endpoint)
    return found


if __name__ == "__main__":
    main()

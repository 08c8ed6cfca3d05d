"""A Compose file that serves one release with TensorFlow Serving."""

from __future__ import annotations

import ipaddress

from components.errors import InputError
from pipeline.deployment import model_config
from pipeline.deployment.release import SERVER, Release
from pipeline.deployment.yaml_text import dump

NOBODY = "65534:65534"


def render(
    release: Release,
    *,
    image: str = SERVER,
    host: str = "127.0.0.1",
    rest_port: int = 8501,
    grpc_port: int = 8500,
) -> str:
    """The Compose file, YAML. Needs Docker Compose 2.23.1 or newer, the first with inline `configs`.

    Raises:
      InputError: `host` is not an IP address, which is all that Docker publishes ports on.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise InputError(
            f"--host {host!r} is not an IP address; Docker publishes ports on addresses, such as 0.0.0.0 for "
            "all."
        ) from None
    host = f"[{address}]" if address.version == 6 else str(address)
    models = f"/models/{release.model_name}"
    service = {
        "image": image,
        "labels": release.labels,
        "entrypoint": ["tensorflow_model_server"],
        "command": ["--port=8500", "--rest_api_port=8501", *model_config.ARGUMENTS],
        "ports": [f"{host}:{rest_port}:8501", f"{host}:{grpc_port}:8500"],
        "volumes": [
            {
                "type": "bind",
                "source": _literal(f"{release.store}/{release.version}"),
                "target": f"{models}/{release.version}",
                "read_only": True,
                "bind": {"create_host_path": False},
            }
        ],
        "configs": [
            {"source": "models", "target": "/etc/serving/models.config"},
            {"source": "monitoring", "target": "/etc/serving/monitoring.config"},
        ],
        "healthcheck": {
            "test": ["CMD", "bash", "-c", _health(release)],
            "interval": "10s",
            "timeout": "5s",
            "start_period": "30s",
        },
        "user": NOBODY,
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "restart": "unless-stopped",
        "stop_grace_period": "30s",
    }
    return dump(
        {
            "name": _project(release.model_name),
            "services": {"model": service},
            "configs": {
                "models": {"content": _literal(model_config.models(release, base_path=models))},
                "monitoring": {"content": _literal(model_config.MONITORING)},
            },
        },
    )


def _health(release: Release) -> str:
    """The server's own word for the version; its image has bash and no HTTP client."""
    path = f"/v1/models/{release.model_name}/versions/{release.version}"
    return (
        "exec 3<>/dev/tcp/127.0.0.1/8501 && "
        rf"printf 'GET {path} HTTP/1.0\r\n\r\n' >&3 && grep -q AVAILABLE <&3"
    )


def _literal(text: str) -> str:
    """Compose replaces `$NAME`; a doubled dollar is one."""
    return text.replace("$", "$$")


def _project(model_name: str) -> str:
    """Compose's project names: lower-case letters, digits, dashes and underscores, beginning with no dash."""
    return "".join(letter if letter.isalnum() else "-" for letter in model_name.lower())

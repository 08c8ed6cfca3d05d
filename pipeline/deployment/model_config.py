"""TensorFlow Serving's model configuration for one release: a pinned version with a label."""

from __future__ import annotations

import json

from pipeline.deployment.release import Release

LABEL = "stable"
"""The label of the deployed version: `/v1/models/NAME/labels/stable`. `greenlight serve` gives it as well."""

ARGUMENTS = (
    "--model_config_file=/etc/serving/models.config",
    "--monitoring_config_file=/etc/serving/monitoring.config",
    # A label may be given before its version is loaded: otherwise the server refuses to start.
    "--allow_version_labels_for_unavailable_models=true",
)

MONITORING = 'prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }\n'
"""Text form of tensorflow.serving.MonitoringConfig: the metrics where `greenlight serve` has them."""


def models(release: Release, *, base_path: str) -> str:
    """Text form of tensorflow.serving.ModelServerConfig, with the version pinned.

    Args:
      release: what is served.
      base_path: the folder in the container that holds the numbered folder.
    """
    return "\n".join(
        [
            "model_config_list {",
            "  config {",
            f"    name: {json.dumps(release.model_name)}",
            f"    base_path: {json.dumps(base_path)}",
            '    model_platform: "tensorflow"',
            f"    model_version_policy {{ specific {{ versions: {release.version} }} }}",
            f"    version_labels {{ key: {json.dumps(LABEL)} value: {release.version} }}",
            "  }",
            "}",
            "",
        ]
    )

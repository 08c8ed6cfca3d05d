"""The documents of `/metadata` and of a model's status, as in TensorFlow Serving's REST interface."""

import inspect
from collections.abc import Iterable
from typing import Any

from google.protobuf import json_format

from serving.model.lifecycle.states import VersionStatus
from serving.model.service import Metadata

# protobuf 5 renamed the option, protobuf 6 removed the old name
_PRINT_DEFAULTS = next(
    name
    for name in ("always_print_fields_with_no_presence", "including_default_value_fields")
    if name in inspect.signature(json_format.MessageToDict).parameters
)


def status_document(statuses: Iterable[VersionStatus]) -> dict[str, Any]:
    """The states of versions: a GetModelStatusResponse in JSON."""
    return {
        "model_version_status": [
            {
                "version": str(one.version),
                "state": one.state.name,
                "status": {"error_code": one.code.name, "error_message": one.message},
            }
            for one in statuses
        ]
    }


def metadata_document(model_name: str, metadata: Metadata) -> dict[str, Any]:
    """The signatures of a version: a GetModelMetadataResponse in JSON, with its field names and defaults."""
    signatures = {
        name: json_format.MessageToDict(
            signature.definition, preserving_proto_field_name=True, **{_PRINT_DEFAULTS: True}
        )
        for name, signature in metadata.signatures.items()
    }
    return {
        "model_spec": {"name": model_name, "signature_name": "", "version": str(metadata.version)},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }

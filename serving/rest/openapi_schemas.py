"""The JSON Schemas of the OpenAPI document."""

from typing import Any

Schema = dict[str, Any]


def _object(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    return {"type": "object", "required": sorted(required), "properties": required | (optional or {})}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items} | more


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "description": "Empty or absent: serving_default."}
_BASE64 = _object({"b64": {"type": "string", "contentEncoding": "base64"}}) | {"additionalProperties": False}
_FEATURE: Schema = {"type": ["string", "number", "boolean", "object", "array"]}
_EXAMPLE: Schema = {
    "type": "object",
    "additionalProperties": _FEATURE,
    "description": "A tf.Example: features by name, each a value or a list of values of one type.",
    "examples": [{"text": "A text to label."}],
}
_PARAMETERS: Schema = {"type": "object"}

SCHEMAS: dict[str, Schema] = {
    "Error": _object({"error": _TEXT}),
    "Live": _object({"live": {"type": "boolean"}}),
    "Ready": _object({"ready": {"type": "boolean"}}),
    "Document": {"type": "object"},
    "Text": _TEXT,
    "Base64": _BASE64,
    "ModelStatus": _object(
        {
            "model_version_status": _list(
                _object(
                    {
                        "version": _TEXT,
                        "state": {"enum": ["START", "LOADING", "AVAILABLE", "UNLOADING", "END"]},
                        "status": _object({"error_code": _TEXT, "error_message": _TEXT}),
                    }
                )
            )
        }
    ),
    "ModelMetadata": _object(
        {
            "model_spec": _object({"name": _TEXT, "signature_name": _TEXT, "version": _TEXT}),
            "metadata": _object({"signature_def": _object({"signature_def": {"type": "object"}})}),
        }
    ),
    "PredictRequest": {
        "type": "object",
        "properties": {
            "signature_name": _NAME,
            "instances": {
                "type": "array",
                "minItems": 1,
                "description": "Row form: each element a row, a value where the signature has one input, "
                'else an object of its inputs. Bytes are {"b64": ...}.',
            },
            "inputs": {
                "description": "Column form: an array where the signature has one input, else an object."
            },
        },
        "oneOf": [{"required": ["instances"]}, {"required": ["inputs"]}],
        "examples": [{"instances": ["A text to label."]}, {"inputs": {"text": ["A film to remember."]}}],
    },
    "PredictAnswer": {
        "type": "object",
        "properties": {
            "predictions": {"type": "array"},
            "outputs": {"description": "An array where the signature has one output, else an object."},
        },
        "oneOf": [{"required": ["predictions"]}, {"required": ["outputs"]}],
    },
    "ExamplesRequest": _object(
        {"examples": _list(_EXAMPLE, minItems=1)}, {"signature_name": _NAME, "context": _EXAMPLE}
    ),
    "ClassifyAnswer": _object(
        {
            "results": _list(
                _list(
                    {
                        "type": "array",
                        "prefixItems": [_TEXT, {"type": "number"}],
                        "minItems": 2,
                        "maxItems": 2,
                    }
                )
            )
        }
    ),
    "RegressAnswer": _object({"results": _list({"type": "number"})}),
    "V2Server": _object({"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)}),
    "V2TensorSpec": _object({"name": _TEXT, "datatype": _TEXT, "shape": _list({"type": "integer"})}),
    "V2Model": _object(
        {
            "name": _TEXT,
            "versions": _list(_TEXT),
            "platform": _TEXT,
            "inputs": _list(_reference("V2TensorSpec")),
            "outputs": _list(_reference("V2TensorSpec")),
        }
    ),
    "V2ModelReady": _object({"name": _TEXT, "ready": {"type": "boolean"}}),
    "V2ModelReadyOrError": {"anyOf": [_reference("V2ModelReady"), _reference("Error")]},
    "V2Request": _object(
        {
            "inputs": _list(
                _object(
                    {
                        "name": _TEXT,
                        "shape": _list({"type": "integer", "minimum": 0}),
                        "datatype": {"enum": ["BYTES"]},
                    },
                    {"data": {"type": "array"}, "parameters": _PARAMETERS},
                ),
                minItems=1,
            )
        },
        {
            "id": _TEXT,
            "outputs": _list(_object({"name": _TEXT}, {"parameters": _PARAMETERS})),
            "parameters": _PARAMETERS,
        },
    )
    | {
        "examples": [
            {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["A text to label."]}]}
        ]
    },
    "V2Answer": _object(
        {
            "model_name": _TEXT,
            "model_version": _TEXT,
            "outputs": _list(
                _object(
                    {"name": _TEXT, "datatype": _TEXT, "shape": _list({"type": "integer"})},
                    {"data": {"type": "array"}, "parameters": _PARAMETERS},
                )
            ),
        },
        {"id": _TEXT},
    ),
}

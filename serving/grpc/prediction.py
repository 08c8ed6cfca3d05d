"""`tensorflow.serving.PredictionService`: Predict, Classify, Regress and GetModelMetadata over gRPC."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    inference_pb2,
    model_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.grpc.calls import Call, Servicer, answered
from serving.grpc.models import Wanted, wanted
from serving.grpc.tensors import rows_of, to_arrays, to_proto
from serving.model import classification
from serving.model.manager import LoadedVersion
from serving.model.predictor import DEFAULT_SIGNATURE, Signature
from serving.model.service import Prediction
from serving.status import Code, RequestError, invalid

NAME = "tensorflow.serving.PredictionService"
_SIGNATURES = "signature_def"


class PredictionServicer(Servicer, prediction_service_pb2_grpc.PredictionServiceServicer):
    """The service; errors have TensorFlow Serving's codes and texts."""

    @answered
    async def Predict(self, request: predict_pb2.PredictRequest, call: Call) -> predict_pb2.PredictResponse:
        """The outputs of a signature: all, or those in `output_filter`."""
        target = wanted(request, self.service)
        with self._lease(target) as leased:
            signature = _signature(leased, target.signature_name)
            shown = _filtered(request.output_filter, signature)
            self.service.check_rows(signature, rows_of(request.inputs))
            inputs = to_arrays(request.inputs, signature, most=self.service.settings.max_body_bytes)
            answer = await self._ask(leased, signature, inputs, call)
        response = predict_pb2.PredictResponse(model_spec=self._spec(answer.version, signature.name))
        for name in shown:
            response.outputs[name].CopyFrom(to_proto(answer.outputs[name], signature.outputs[name]))
        return response

    @answered
    async def Classify(
        self, request: classification_pb2.ClassificationRequest, call: Call
    ) -> classification_pb2.ClassificationResponse:
        """The classes of tf.Examples, from a classification signature."""
        spec, outputs, rows = await self._ask_examples(request, call, classification.check_classification)
        response = classification_pb2.ClassificationResponse(model_spec=spec)
        for classes in classification.classifications(outputs, rows):
            row = response.result.classifications.add()
            for label, score in classes:
                row.classes.add(label=_text(label), score=float(score))
        return response

    @answered
    async def Regress(
        self, request: regression_pb2.RegressionRequest, call: Call
    ) -> regression_pb2.RegressionResponse:
        """The numbers of tf.Examples, from a regression signature."""
        spec, outputs, rows = await self._ask_examples(request, call, classification.check_regression)
        response = regression_pb2.RegressionResponse(model_spec=spec)
        for value in classification.regressions(outputs, rows):
            response.result.regressions.add(value=float(value))
        return response

    @answered
    async def MultiInference(
        self, request: inference_pb2.MultiInferenceRequest, call: Call
    ) -> inference_pb2.MultiInferenceResponse:
        """UNIMPLEMENTED: the models have no signature for several tasks."""
        raise RequestError(
            Code.UNIMPLEMENTED, "MultiInference is not served here; call Classify and Regress one by one"
        )

    @answered
    async def GetModelMetadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, call: Call
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """The signatures of a version."""
        target = wanted(request, self.service)
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != _SIGNATURES:
                raise invalid(f"Metadata field {field} is not supported")
        found = self.service.metadata(version=target.version, label=target.label)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in found.signatures.items():
            # copied as bytes: the class may be another copy of the same message
            definition = meta_graph_pb2.SignatureDef.FromString(signature.definition.SerializeToString())
            signatures.signature_def[name].CopyFrom(definition)
        response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=self._spec(found.version))
        response.metadata[_SIGNATURES].Pack(signatures)
        return response

    def _lease(self, target: Wanted) -> contextlib.AbstractContextManager[LoadedVersion]:
        return self.service.lease(version=target.version, label=target.label)

    async def _ask(
        self, leased: LoadedVersion, signature: Signature, inputs: dict[str, np.ndarray], call: Call
    ) -> Prediction:
        return await self.service.predict(
            leased, signature, inputs, deadline=call.deadline, request_id=call.request_id, protocol="grpc"
        )

    async def _ask_examples(
        self, request: Any, call: Call, check: Callable[[Signature], None]
    ) -> tuple[model_pb2.ModelSpec, Mapping[str, np.ndarray], int]:
        """The outputs for the tf.Examples of a request, with the answering model and the number of examples.

        Args:
          check: raises RequestError if the signature is not of the requested kind.
        """
        target = wanted(request, self.service)
        with self._lease(target) as leased:
            signature = classification.find_signature(leased.signatures, target.signature_name)
            check(signature)
            examples = classification.serialized_examples(request.input, check=self.service.check_examples)
            answer = await self._ask(leased, signature, {classification.INPUTS: examples}, call)
        return self._spec(answer.version, signature.name), answer.outputs, len(examples)

    def _spec(self, version: int, signature_name: str = "") -> model_pb2.ModelSpec:
        spec = model_pb2.ModelSpec(name=self.service.model_name, signature_name=signature_name)
        spec.version.value = version
        return spec


def _signature(leased: LoadedVersion, name: str) -> Signature:
    """The signature; the error has TensorFlow Serving's text for gRPC, which differs from that for REST."""
    wanted_name = name or DEFAULT_SIGNATURE
    if wanted_name not in leased.signatures:
        raise RequestError(Code.FAILED_PRECONDITION, f'Serving signature key "{wanted_name}" not found.')
    return leased.signatures[wanted_name]


def _filtered(names: Iterable[str], signature: Signature) -> list[str]:
    """The requested outputs; the errors have TensorFlow Serving's texts, from predict_util.cc."""
    shown: list[str] = []
    for name in names:
        if name not in signature.outputs:
            known = ",".join(sorted(signature.outputs))
            raise invalid(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {{{known}}}."
            )
        if name in shown:
            raise invalid(f"duplicate output tensor alias: {name}")
        shown.append(name)
    return shown or list(signature.outputs)


def _text(label: bytes) -> str:
    return label.decode("utf-8", "replace")

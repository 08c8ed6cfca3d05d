"""The Open Inference Protocol over gRPC, asked as its .proto says, and by Triton's client."""

import re
from pathlib import Path

import grpc
import numpy as np
import pytest

from serving.grpc import inference_messages as messages
from serving.grpc import inference_tensors
from serving.model.predictor import Signature, TensorSpec
from serving.status import Code, RequestError

MODEL = "imdb_sentiment"
GOOD = pytest.approx(0.7310586)
BAD = pytest.approx(0.2689414)


@pytest.fixture(scope="module")
def v2(channel):
    """Call a method with the fields of its request; parameters are {name: {kind: value}}."""

    def call(method: str, *, parameters=None, output_parameters=None, **fields):
        request = getattr(messages, f"{method}Request")(**fields)
        if parameters:
            set_parameters(request, parameters)
        if output_parameters:
            set_parameters(request.outputs[0], output_parameters)
        stub = channel.unary_unary(
            f"/inference.GRPCInferenceService/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=getattr(messages, f"{method}Response").FromString,
        )
        return stub(request, timeout=60)

    return call


def set_parameters(holder, parameters: dict[str, dict]) -> None:
    for name, given in parameters.items():
        for kind, value in given.items():
            setattr(holder.parameters[name], kind, value)


@pytest.fixture
def error_of(v2):
    def call(method: str, **fields) -> tuple[str, str]:
        with pytest.raises(grpc.RpcError) as caught:
            v2(method, **fields)
        return caught.value.code().name, caught.value.details()

    return call


def text_input(*texts: bytes, **more) -> dict:
    contents = {"bytes_contents": texts}
    return {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "contents": contents} | more


def raw_texts(*texts: bytes) -> bytes:
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def test_server_and_health(v2):
    assert v2("ServerLive").live and v2("ServerReady").ready
    assert v2("ServerMetadata").name == "greenlight"


@pytest.mark.parametrize(
    ("name", "version", "ready"),
    [(MODEL, "", True), (MODEL, "1", True), (MODEL, "0", True), (MODEL, "9", False), ("x", "", False)],
)
def test_readiness_of_a_model(v2, name, version, ready):
    assert v2("ModelReady", name=name, version=version).ready is ready


@pytest.mark.parametrize("version", ["", "1", "0"])
def test_metadata_of_the_model(v2, version):
    found = v2("ModelMetadata", name=MODEL, version=version)
    assert (found.name, list(found.versions), found.platform) == (MODEL, ["1"], "tensorflow_savedmodel")
    assert [(one.name, one.datatype, list(one.shape)) for one in (*found.inputs, *found.outputs)] == [
        ("text", "BYTES", [-1]),
        ("label", "BYTES", [-1]),
        ("probability", "FP32", [-1]),
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "other"}, ("NOT_FOUND", "Unknown model other")),
        ({"name": ""}, ("NOT_FOUND", "Unknown model ")),
        ({"name": MODEL, "version": "x"}, ("INVALID_ARGUMENT", "The version must be a number, and not x")),
        (
            {"name": MODEL, "version": "9"},
            ("NOT_FOUND", f"Servable not found for request: Specific({MODEL}, 9)"),
        ),
    ],
)
def test_a_model_that_is_not_there(error_of, fields, expected):
    assert error_of("ModelMetadata", **fields) == expected
    inference = {"model_" + key: value for key, value in fields.items()}
    assert error_of("ModelInfer", **inference, inputs=[text_input(b"good")]) == expected


def test_contents_in_the_field_of_their_type_are_answered_so(v2):
    response = v2("ModelInfer", model_name=MODEL, id="7", inputs=[text_input(b"good", b"\xff")])
    assert (response.model_name, response.model_version, response.id) == (MODEL, "1", "7")
    label, probability = response.outputs
    assert (label.name, label.datatype, list(label.shape)) == ("label", "BYTES", [2])
    assert list(label.contents.bytes_contents) == [b"positive", b"negative"]
    assert (probability.name, probability.datatype) == ("probability", "FP32")
    assert list(probability.contents.fp32_contents) == [GOOD, BAD]
    assert not response.raw_output_contents


RAW_INPUT = {"name": "text", "shape": [2], "datatype": "BYTES"}


def test_raw_contents_are_answered_raw(v2):
    raw = [raw_texts(b"good", b"")]
    response = v2("ModelInfer", model_name=MODEL, inputs=[RAW_INPUT], raw_input_contents=raw)
    label, probability = response.raw_output_contents
    assert label == raw_texts(b"positive", b"negative")
    assert np.frombuffer(probability, "<f4").tolist() == [GOOD, BAD]
    assert not any(output.HasField("contents") for output in response.outputs)


@pytest.mark.parametrize("given_raw", [True, False])
def test_the_client_may_choose_how_it_is_answered(v2, given_raw):
    given = (
        {"inputs": [RAW_INPUT], "raw_input_contents": [raw_texts(b"good", b"")]}
        if given_raw
        else {"inputs": [text_input(b"good", b"")]}
    )
    wanted = {"binary_data_output": {"bool_param": not given_raw}}
    response = v2("ModelInfer", model_name=MODEL, **given, parameters=wanted)
    assert bool(response.raw_output_contents) is not given_raw


def test_outputs_can_be_chosen_and_come_in_that_order(v2):
    for names in (["probability"], ["probability", "label"]):
        outputs = [{"name": name} for name in names]
        response = v2("ModelInfer", model_name=MODEL, inputs=[text_input(b"good")], outputs=outputs)
        assert [output.name for output in response.outputs] == names


KINDS = {
    "floats": ("FP32", [1, 2], {"fp32_contents": [1, 2.5]}),
    "ints": ("INT64", [1], {"int64_contents": [-(2**63)]}),
    "flags": ("BOOL", [1], {"bool_contents": [True]}),
    "payload": ("BYTES", [1], {"bytes_contents": [b"a"]}),
}


def test_another_signature_with_every_kind_of_tensor(v2):
    inputs = [
        {"name": name, "datatype": datatype, "shape": shape, "contents": contents}
        for name, (datatype, shape, contents) in KINDS.items()
    ]
    response = v2(
        "ModelInfer",
        model_name=MODEL,
        inputs=inputs,
        parameters={"signature_name": {"string_param": "kinds"}},
    )
    for output in response.outputs:
        datatype, shape, contents = KINDS[output.name.removesuffix("_bytes")]
        ((field, values),) = contents.items()
        assert (output.datatype, list(output.shape)) == (datatype, shape)
        assert list(getattr(output.contents, field)) == values


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"inputs": []}, "The inputs of signature serving_default are text, and not none"),
        ({"inputs": [text_input(b"a", name="x")]}, "Unexpected input x; the inputs are text"),
        ({"inputs": [text_input(b"a")] * 2}, "Duplicate input text"),
        (
            {"inputs": [text_input(b"a", datatype="FP32")]},
            'Input text must have the datatype BYTES, and not "FP32"',
        ),
        ({"inputs": [text_input(b"a", shape=[2])]}, "Input text has 1 elements, but its shape says 2"),
        (
            {"inputs": [text_input(b"a", shape=[-1])]},
            "Input text needs a 'shape', a list of whole numbers, 32 at most",
        ),
        ({"inputs": [text_input(b"a", shape=[0, 2**40])]}, "Input text has a 'shape' that is too large"),
        (
            {"inputs": [text_input(contents={"int_contents": [1]}, shape=[1])]},
            "Input text of BYTES has 'int_contents'; it goes into 'bytes_contents'",
        ),
        (
            {"inputs": [text_input(b"a")], "raw_input_contents": [raw_texts(b"a")]},
            "Input text has both 'contents' and 'raw_input_contents'",
        ),
        (
            {"inputs": [RAW_INPUT], "raw_input_contents": [b"", b""]},
            "'raw_input_contents' must have 1 elements, one for each input, and not 2",
        ),
        (
            {"inputs": [RAW_INPUT], "raw_input_contents": [raw_texts(b"a")[:-1]]},
            "Input text: its binary data ends within an element",
        ),
        (
            {"inputs": [text_input(b"a")], "outputs": [{"name": "x"}]},
            "Each of 'outputs' must name one of label, probability",
        ),
        (
            {"inputs": [text_input(b"a")], "outputs": [{"name": "label"}] * 2},
            "Duplicate output label",
        ),
        (
            {
                "inputs": [text_input(b"a")],
                "outputs": [{"name": "label"}],
                "output_parameters": {"classification": {"int64_param": 1}},
            },
            "The classification extension is not served",
        ),
        (
            {"inputs": [text_input(b"a")], "parameters": {"signature_name": {"int64_param": 1}}},
            "The parameter 'signature_name' must be a 'string_param'",
        ),
        (
            {"inputs": [text_input(b"a")], "parameters": {"signature_name": {"string_param": "x"}}},
            'Serving signature name: "x" not found in signature def',
        ),
        (
            {"inputs": [text_input(*[b"a"] * 1025)]},
            "The request has 1025 rows; the most is 1024 (serve.max_rows)",
        ),
    ],
)
def test_a_wrong_request_is_refused(error_of, fields, text):
    assert error_of("ModelInfer", model_name=MODEL, **fields) == ("INVALID_ARGUMENT", text)


def test_a_clients_id_comes_back(channel):
    call = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
    _, ended = call.with_call(b"", timeout=60, metadata=(("x-request-id", "id-3"),))
    assert dict(ended.trailing_metadata())["x-request-id"] == "id-3"


def test_a_key_is_needed(small_workspace, serve_workspace, tmp_path, status_of):
    keys = tmp_path / "keys"
    keys.write_text("0123456789abcdef\n")
    running = serve_workspace(small_workspace, api_keys=keys)
    with grpc.insecure_channel(running.grpc) as channel:
        for method in messages.SERVICE.methods_by_name:
            call = channel.unary_unary(f"/inference.GRPCInferenceService/{method}")
            assert status_of(call, b"")[0] == "UNAUTHENTICATED"
        live = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
        metadata = (("authorization", "Bearer 0123456789abcdef"),)
        assert messages.ServerLiveResponse.FromString(live(b"", timeout=60, metadata=metadata)).live


def signature_of(dtype: str) -> Signature:
    spec = {"x": TensorSpec(dtype=dtype, shape=None, tensor="x:0")}
    return Signature(name="s", inputs=spec, outputs={}, method_name="", definition=None)


def one_input(dtype: str, values: list, *, raw: bool = False):
    """What is read from a request whose only input `x` has the type and the values."""
    datatype = inference_tensors.DATATYPES[dtype]
    request = messages.ModelInferRequest()
    tensor = request.inputs.add(name="x", datatype=datatype, shape=[len(values)])
    if raw:
        packed = np.array(values, dtype).astype(np.dtype(dtype).newbyteorder("<"))
        request.raw_input_contents.append(packed.tobytes())
    else:
        getattr(tensor.contents, inference_tensors._FIELDS[dtype]).extend(values)
    array = inference_tensors.read(request, signature_of(dtype))["x"]
    assert array.dtype == np.dtype(dtype)
    return array.tolist()


@pytest.mark.parametrize("dtype", [dtype for dtype in inference_tensors.DATATYPES if "int" in dtype])
def test_each_integer_type_takes_its_bounds_and_nothing_beyond(dtype):
    low, high = (int(bound) for bound in (np.iinfo(dtype).min, np.iinfo(dtype).max))
    assert one_input(dtype, [low, high]) == one_input(dtype, [low, high], raw=True) == [low, high]
    if dtype in ("int8", "int16", "uint8", "uint16"):  # the fields of the others hold no more
        for beyond in (low - 1, high + 1) if low else (high + 1,):
            with pytest.raises(
                RequestError, match=f"^Input x holds {beyond}, which is not of type "
            ) as caught:
                one_input(dtype, [0, beyond])
            assert caught.value.code is Code.INVALID_ARGUMENT


def test_half_precision_is_raw_both_ways():
    assert one_input("float16", [0.5], raw=True) == [0.5]
    response = messages.ModelInferResponse()
    outputs = {"h": np.array([0.5], np.float16), "n": np.array([1], np.int8)}
    inference_tensors.write(response, outputs, ["h", "n"], raw=False)
    assert [np.frombuffer(response.raw_output_contents[0], "<f2")[0], response.raw_output_contents[1]] == [
        0.5,
        b"\x01",
    ]
    request = messages.ModelInferRequest(inputs=[{"name": "x", "datatype": "FP16", "shape": [1]}])
    with pytest.raises(RequestError, match="has the datatype FP16, which goes into 'raw_input_contents'"):
        inference_tensors.read(request, signature_of("float16"))


FIELD = re.compile(r"^\s*(?:repeated )?(?:map<\w+, \w+>|\w+) (\w+) = (\d+);", re.MULTILINE)


def test_the_compiled_description_is_the_published_one():
    text = Path(messages.__file__).with_name("open_inference_grpc.proto").read_text(encoding="utf-8")
    text = re.sub("//.*", "", text)
    assert re.findall(r"rpc (\w+)\((\w+)\) returns \((\w+)\)", text) == [
        (method.name, method.input_type.name, method.output_type.name) for method in messages.SERVICE.methods
    ]
    fields = [(name, int(number)) for name, number in FIELD.findall(text)]
    compiled = all_messages(messages.FILE.message_type)
    assert sorted(fields) == sorted(
        (field.name, field.number) for message in compiled for field in message.field
    )


def all_messages(found):
    for message in found:
        if not message.options.map_entry:
            yield message
            yield from all_messages(message.nested_type)


def triton():
    """Triton's client; its messages are made for protobuf 5 and later."""
    return pytest.importorskip("tritonclient.grpc", exc_type=ImportError, reason="needs protobuf 5")


def test_tritonclient_finds_the_server_and_the_model_ready(served):
    with triton().InferenceServerClient(served.grpc) as client:
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready(MODEL) and client.is_model_ready(MODEL, "1")
        assert not client.is_model_ready("other")
        assert client.get_server_metadata().name == "greenlight"
        assert client.get_model_metadata(MODEL).platform == "tensorflow_savedmodel"


def test_tritonclient_infers(served):
    with triton().InferenceServerClient(served.grpc) as client:
        tensor = triton().InferInput("text", [2], "BYTES")
        tensor.set_data_from_numpy(np.array([b"good", "é😀".encode()], object))
        outputs = [triton().InferRequestedOutput(name) for name in ("probability", "label")]
        result = client.infer(MODEL, [tensor], outputs=outputs, request_id="7")
        assert result.as_numpy("probability").tolist() == [GOOD, BAD]
        assert result.as_numpy("label").tolist() == [b"positive", b"negative"]
        assert result.get_response().id == "7"


def test_tritonclient_understands_an_error(served):
    from tritonclient.utils import InferenceServerException

    with triton().InferenceServerClient(served.grpc) as client:
        tensor = triton().InferInput("text", [1], "INT32")
        tensor.set_data_from_numpy(np.array([1], np.int32))
        with pytest.raises(InferenceServerException, match="Input text must have the datatype BYTES"):
            client.infer(MODEL, [tensor])

"""A server in a process of its own, and programs in other languages that call it."""

import dataclasses
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import processes
import pytest
from clients import languages
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from serving.store.manifest import Facts
from serving.versions import VersionStore

MODEL = "imdb_sentiment"
KEY = "a-key-of-the-tests"


def save_model(folder: Path) -> None:
    """A model that answers with the number of a text's characters: one lost on the way changes it."""
    import tensorflow as tf

    class Length(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def answer(self, text):
            probability = tf.cast(tf.strings.length(text, unit="UTF8_CHAR"), tf.float32) / 64.0
            return {
                "probability": probability,
                "label": tf.where(probability >= 0.5, "positive", "negative"),
            }

    module = Length()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.answer})


@dataclasses.dataclass(frozen=True)
class Server:
    """The addresses of a running server, and the descriptors of its services in a file."""

    rest: str
    grpc: str
    descriptors: Path


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """`greenlight serve` with an API key, until the end of the tests."""
    folder = tmp_path_factory.mktemp("server")
    save_model(folder / "model")
    VersionStore(folder / "workspace" / "serving" / MODEL).push(folder / "model", Facts())
    (folder / "keys").write_text(f"{KEY}\n")
    (folder / "keys").chmod(0o600)
    command = (*processes.GREENLIGHT, "serve", "--workspace", str(folder / "workspace"))
    options = ("--rest-port", "0", "--grpc-port", "0", "--api-keys", str(folder / "keys"))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            (*command, *options),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=processes.environment(),
        )
    try:
        said = ""
        for line in process.stdout:
            said += line
            if "  ask " in line:
                break
        rest, address = re.search(r"rest +(http://\S+?)/v1/", said), re.search(r"grpc +(\S+)", said)
        assert rest and address, said + (folder / "log").read_text()
        (folder / "services.binpb").write_bytes(descriptors(address[1]))
        yield Server(rest[1], address[1], folder / "services.binpb")
    finally:
        process.kill()
        process.communicate()


SERVICES = (
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
    "grpc.health.v1.Health",
)


def descriptors(address: str) -> bytes:
    """The services as a FileDescriptorSet, from the server's reflection; each file is after what it needs."""
    with grpc.insecure_channel(address) as channel:
        sent = grpc.intercept_channel(channel, _WithKey())
        database = ProtoReflectionDescriptorDatabase(sent)
        found: dict[str, descriptor_pb2.FileDescriptorProto] = {}

        def add(file: descriptor_pb2.FileDescriptorProto) -> None:
            for needed in file.dependency:
                if needed not in found:
                    add(database.FindFileByName(needed))
            found.setdefault(file.name, file)

        for service in SERVICES:
            add(database.FindFileContainingSymbol(service))
    return descriptor_pb2.FileDescriptorSet(file=found.values()).SerializeToString()


class _WithKey(grpc.StreamStreamClientInterceptor):
    """Sends the API key, which reflection needs."""

    def intercept_stream_stream(self, continuation, details, requests):
        metadata = [*(details.metadata or ()), ("authorization", f"Bearer {KEY}")]
        return continuation(details._replace(metadata=metadata), requests)


@pytest.fixture(scope="session")
def client(tmp_path_factory) -> Callable[[str], tuple[Path, tuple[str, ...]]]:
    """`client("go")`: the folder of the built program and the command that starts it there."""

    def made(language: str) -> tuple[Path, tuple[str, ...]]:
        try:
            return languages.built(language, tmp_path_factory.mktemp("client") / language)
        except languages.Missing as missing:
            pytest.skip(str(missing))

    return made


@pytest.fixture(scope="session")
def go_program(tmp_path_factory) -> Callable[[str], Path]:
    """`go_program("github.com/owner/name/cmd@v1.2.3")`: a program that is built from its module."""
    folder = tmp_path_factory.mktemp("bin")

    def made(package: str) -> Path:
        try:
            return languages.installed_by_go(package, folder)
        except languages.Missing as missing:
            pytest.skip(str(missing))

    return made

"""What the pipeline promoted answers over HTTP, in every way, as the SavedModel itself does."""

import asyncio
import base64
from pathlib import Path

import httpx
import pytest
import tensorflow as tf

from components import reviews
from serving.server import Server
from serving.settings import ServeSettings
from serving.store.records import Version
from serving.versions import VersionStore

TEXTS = ["A wonderful film, I loved it.", "", "Awful. Don't.", "café 😀 " * 300]
MODEL = "/v1/models/imdb_sentiment"


@pytest.fixture(scope="module")
def version(finished_workspace) -> Version:
    return VersionStore(finished_workspace / "serving" / "imdb_sentiment").live()


@pytest.fixture(scope="module")
def expected(version) -> list[float]:
    model = tf.saved_model.load(version.path)
    scored = model.signatures["serving_default"](text=tf.constant(TEXTS))
    return pytest.approx(scored["probability"].numpy().tolist(), abs=1e-6)


@pytest.fixture(scope="module")
def answers(version, tmp_path_factory) -> dict[str, dict]:
    """What the server says to each question, by the question's name."""
    serialized = [reviews.to_example(text, 0).SerializeToString() for text in TEXTS]
    examples = [{"b64": base64.b64encode(example).decode()} for example in serialized]
    tensor = {"name": "text", "shape": [len(TEXTS)], "datatype": "BYTES", "data": TEXTS}
    questions = {
        "rows": (f"{MODEL}:predict", {"instances": TEXTS}),
        "columns": (f"{MODEL}/versions/1:predict", {"inputs": {"text": TEXTS}}),
        "examples": (
            f"{MODEL}/labels/stable:predict",
            {"signature_name": "tf_example", "instances": examples},
        ),
        "classify": (
            f"{MODEL}:classify",
            {"signature_name": "classify", "examples": [{"text": text} for text in TEXTS]},
        ),
        "regress": (
            f"{MODEL}:regress",
            {"signature_name": "regress", "examples": [{"text": text} for text in TEXTS]},
        ),
        "v2": ("/v2/models/imdb_sentiment/infer", {"inputs": [tensor]}),
    }

    async def ask() -> dict[str, dict]:
        store = VersionStore(Path(version.path).parent)
        settings = ServeSettings(rest_port=0, grpc=False, access_log=False, drain_delay_seconds=0)
        server = Server(
            store, settings, model_name="imdb_sentiment", request_log=tmp_path_factory.mktemp("log")
        )
        address = (await server.start()).rest
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as client:
            found = {
                name: (await client.post(path, json=body)).json() for name, (path, body) in questions.items()
            }
        server.stop()
        await server.run()
        return found

    return asyncio.run(ask())


def test_rows_columns_and_examples_are_scored_alike(answers, expected):
    rows = answers["rows"]["predictions"]
    assert [row["probability"] for row in rows] == expected
    labels = ["positive" if row["probability"] >= 0.5 else "negative" for row in rows]
    assert [row["label"] for row in rows] == labels
    assert answers["columns"]["outputs"]["probability"] == expected
    assert answers["columns"]["outputs"]["label"] == labels
    assert [row["probability"] for row in answers["examples"]["predictions"]] == expected


def test_it_classifies_and_regresses(answers, expected):
    assert answers["regress"]["results"] == expected
    classes = answers["classify"]["results"]
    assert [[label for label, _ in row] for row in classes] == [["negative", "positive"]] * len(TEXTS)
    assert [dict(row)["positive"] for row in classes] == expected
    assert all(sum(score for _, score in row) == pytest.approx(1) for row in classes)


def test_the_open_inference_protocol_has_the_same_answer(answers, expected):
    outputs = {output["name"]: output["data"] for output in answers["v2"]["outputs"]}
    assert outputs["probability"] == expected
    assert outputs["label"] == answers["columns"]["outputs"]["label"]

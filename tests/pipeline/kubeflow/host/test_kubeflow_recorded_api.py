"""The stand-in in kfp_api.py beside what KFP's own API server answered.

`recorded/api_*.json` has, in order, the requests to an API server of one version, with MariaDB, a real
kube-apiserver and an S3 server, and its answers. Names in braces stand for the ids that it chose, TIME and
TOKEN for times and page tokens, SPEC for a compiled pipeline. Of errors, the status, the keys and the code
are compared, and the words are not.
"""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from kfp_api import PREFIX, Api, serving

RECORDED = json.loads((Path(__file__).parent / "recorded" / "api_7b70c7b.json").read_text("utf-8"))
EXCHANGES = RECORDED["exchanges"]


@pytest.fixture(scope="module")
def answered() -> dict[str, tuple[int, Any]]:
    """Status and answer of the stand-in by the name of the exchange, in the words of the record."""
    found, ids = {}, {}
    with serving(Api()) as api, httpx.Client(base_url=f"{api.url}{PREFIX}", trust_env=False) as client:
        for exchange in EXCHANGES:
            response = client.send(_request(client, exchange, ids))
            answer = response.json()
            for name, steps in exchange.get("save", {}).items():
                ids[name] = _at(answer, steps)
            found[exchange["name"]] = (response.status_code, _plain(answer, ids))
    return found


def _request(client: httpx.Client, exchange: dict[str, Any], ids: dict[str, str]) -> httpx.Request:
    content: dict[str, Any] = {}
    if "file" in exchange:
        text = RECORDED["spec"] if exchange["file"] == "SPEC" else exchange["file"]
        content["files"] = {"uploadfile": ("pipeline.yaml", text.encode())}
    elif "body" in exchange:
        content["json"] = _filled(exchange["body"], ids)
    query = {name: _filled(value, ids) for name, value in exchange.get("query", {}).items()}
    return client.build_request(exchange["method"], _filled(exchange["path"], ids), params=query, **content)


def _at(answer: Any, steps: list[str | int]) -> str:
    for step in steps:
        answer = answer[step]
    return answer


def _filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, ids) for name, each in value.items()}
    return re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], value) if isinstance(value, str) else value


def _plain(value: Any, ids: dict[str, str], key: str = "") -> Any:
    """An answer in the words of the record."""
    if key in ("pipeline_spec", "next_page_token"):
        return {"pipeline_spec": "SPEC", "next_page_token": "TOKEN"}[key]
    if isinstance(value, dict):
        return {name: _plain(each, ids, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, ids) for each in value]
    if isinstance(value, str) and re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
        return "TIME"
    names = {each: f"{{{name}}}" for name, each in ids.items()}
    return names.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange["name"].replace(" ", "-"))
def test_the_stand_in_answers_as_the_api_server_did(answered, exchange):
    status, answer = answered[exchange["name"]]
    assert status == exchange["status"], answer
    if status == 200:
        assert answer == exchange["answer"]
    else:
        assert (set(answer), answer.get("code")) == (set(exchange["answer"]), exchange["answer"].get("code"))

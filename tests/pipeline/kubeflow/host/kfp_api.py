"""A stand-in for Kubeflow Pipelines' API server: keeps what it is sent and answers as v2beta1 does.

Held against kubeflow/pipelines of 21 August 2026 and the releases 2.0.5 to 2.17.0 (backend/api/v2beta1, and
main.go, common/utils.go, server/pipeline_upload_server.go and server/list_request_util.go of the API server):
paths, fields by the names of the protos, no field without a value, unknown fields of a body refused, the
multipart uploads and the errors of their own, pages of 20 and at most 200, names compared without regard to
case. Query parameters that a version does not know (`view`) are ignored, as there. Runs end when the test
says so; faults are asked for by request. test_kubeflow_recorded_api.py compares it with recorded answers.
"""

from __future__ import annotations

import collections
import dataclasses
import email
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from kfp_requests import FIELDS, read_cron
from suite.threaded_server import running

PREFIX = "/apis/v2beta1"
CREATED, ENDED, NEVER = "2026-11-22T10:00:00Z", "2026-11-22T10:05:00Z", "1970-01-01T00:00:00Z"


@dataclasses.dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclasses.dataclass
class Api:
    """What the server knows. `token`: the one it accepts; `namespaces`: of many users, those it allows."""

    token: str | None = None
    namespaces: tuple[str, ...] = ()
    requests: list[Request] = dataclasses.field(default_factory=list)
    faults: list[tuple[str, Callable[[BaseHTTPRequestHandler], None]]] = dataclasses.field(
        default_factory=list
    )
    tables: dict[str, dict[str, dict[str, Any]]] = dataclasses.field(
        default_factory=lambda: {
            "pipelines": {},
            "versions": {},
            "experiments": {},
            "runs": {},
            "schedules": {},
        }
    )
    _made: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    at_get_run: Callable[[dict[str, Any]], None] = lambda run: None
    url: str = ""

    @property
    def schedules(self) -> list[dict[str, Any]]:
        return list(self.tables["schedules"].values())

    def new(self, table: str, prefix: str, **fields: Any) -> dict[str, Any]:
        self._made[table] += 1
        name = f"{prefix}-{self._made[table]}"
        self.tables[table][name] = {"created_at": CREATED, **fields}
        return self.tables[table][name]

    def sent(self, method: str, path: str) -> list[Request]:
        return [each for each in self.requests if (each.method, each.path) == (method, PREFIX + path)]

    def once(self, path: str, status: int, body: str | None = None, kind: str = "application/json") -> None:
        """The next request to `path` is answered with an error."""
        text = body if body is not None else error_body(status, "as the test asked for")
        self.faults.append((PREFIX + path, lambda handler: handler.reply(status, text, kind)))


def error_body(code: int, message: str) -> str:
    return json.dumps({"code": code, "message": message})


def ended(run: dict[str, Any], state: str, **stages: str) -> None:
    """Makes a run one that has ended; `stages` are the states of its steps."""
    names = {"root": state, "root-driver": "SUCCEEDED", **stages}
    names |= {f"{stage}-driver": "SUCCEEDED" for stage in stages}
    details = [
        {
            "run_id": run["run_id"],
            "task_id": name,
            "display_name": name,
            "start_time": CREATED,
            "end_time": NEVER if each == "RUNNING" else ENDED,
            "state": each,
        }
        for name, each in names.items()
    ]
    run |= {"state": state, "finished_at": ENDED, "run_details": {"task_details": details}}


@dataclasses.dataclass(frozen=True)
class Error:
    """What a route answers instead of an object."""

    status: int
    body: str


def _spec(text: str) -> dict[str, Any] | None:
    """The compiled pipeline as the server gives it back; None if the file is something else."""
    pipeline, *platform = yaml.safe_load_all(text)
    if "root" not in pipeline or not pipeline.get("pipelineInfo", {}).get("name"):
        return None
    return {"pipeline_spec": pipeline, "platform_spec": platform[0]} if platform else pipeline


def _upload_error(status: int, message: str) -> Error:
    """The errors of uploads have a form of their own."""
    return Error(status, json.dumps({"error_message": message, "error_details": message}))


def _without_empty(body: dict[str, Any]) -> dict[str, Any]:
    """What was sent, as it comes back: fields without a value are left out."""
    config = {name: value for name, value in body.get("runtime_config", {}).items() if value}
    return {**body, "runtime_config": config}


def _same(one: Any, other: Any) -> bool:
    """As MySQL compares by default."""
    texts = isinstance(one, str) and isinstance(other, str)
    return one.casefold() == other.casefold() if texts else one == other


class Handler(BaseHTTPRequestHandler):
    api: Api

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def log_message(self, *args: Any) -> None:
        """Nothing: pytest has the requests."""

    def reply(self, status: int, text: str, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def _handle(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, url.path, query, headers, self._parsed(raw))
        self.api.requests.append(request)
        for fault in self.api.faults:
            if fault[0] == request.path:
                self.api.faults.remove(fault)
                fault[1](self)
                return
        if self.api.token is not None and self.headers.get("Authorization") != f"Bearer {self.api.token}":
            self.reply(401, error_body(16, "Request header error: there is no user identity header."))
            return
        namespace = query.get("namespace") or (request.body or {}).get("namespace", "")
        if self.api.namespaces and namespace and namespace not in self.api.namespaces:
            self.reply(403, error_body(7, f"User is not authorized in namespace {namespace}."))
            return
        self._route(request)

    def _parsed(self, raw: bytes) -> Any:
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):
            message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + raw)
            (part,) = message.get_payload()
            return {"file": part.get_payload(decode=True).decode()}
        return json.loads(raw) if raw else None

    def _route(self, request: Request) -> None:
        parts = request.path.removeprefix(PREFIX).strip("/").split("/")
        unknown = set(request.body or ()) - FIELDS.get(parts[0], set(request.body or ()))
        if unknown:
            self.reply(400, error_body(3, f"proto: (line 1:2): unknown field {sorted(unknown)[0]!r}"))
            return
        answer = getattr(self, f"_{parts[0]}", None)
        found = answer(request, parts[1:]) if answer and request.path.startswith(PREFIX) else None
        if found is None:
            self.reply(404, error_body(5, f"{request.path} not found."))
        elif isinstance(found, Error):
            self.reply(found.status, found.body)
        else:
            self.reply(200, json.dumps(found))

    def _healthz(self, request: Request, rest: list[str]) -> Any:
        return {
            "commit_sha": "unknown",
            "tag_name": "unknown",
            "multi_user": bool(self.api.namespaces),
            "pipeline_store": "database",
        }

    def _experiments(self, request: Request, rest: list[str]) -> Any:
        if request.method == "GET":
            return self._listed("experiments", request)
        name = request.body["display_name"]
        if self._is_taken("experiments", display_name=name, namespace=request.body.get("namespace")):
            return Error(409, error_body(6, f"Already exist error: The name {name} already exist."))
        return self._kept(
            "experiments",
            "experiment",
            **request.body,
            storage_state="AVAILABLE",
            last_run_created_at=NEVER,
        )

    def _kept(self, table: str, kind: str, **fields: Any) -> dict[str, Any]:
        """A new row with its id, which is in the field `<kind>_id`."""
        made = self.api.new(table, table.removesuffix("s"), **fields)
        made[f"{kind}_id"] = list(self.api.tables[table])[-1]
        return made

    def _pipelines(self, request: Request, rest: list[str]) -> Any:
        if rest == ["upload"]:
            return self._uploaded(request)
        if rest == ["upload_version"]:
            return self._version(request.query["pipelineid"], request.query["name"], request.body["file"])
        if rest[1:] == ["versions"]:
            return self._listed("versions", request, key="pipeline_versions", pipeline_id=rest[0])
        return self._listed("pipelines", request) if not rest else None

    def _uploaded(self, request: Request) -> Any:
        name, namespace = request.query["name"], request.query.get("namespace")
        failed = "Failed to create a pipeline and a pipeline version"
        if _spec(request.body["file"]) is None:
            return _upload_error(400, "unknown template format")
        if self._is_taken("pipelines", display_name=name, namespace=namespace):
            return _upload_error(409, failed)
        fields = {"namespace": namespace} if namespace else {}
        made = self._kept("pipelines", "pipeline", display_name=name, name=name, **fields)
        self._version(made["pipeline_id"], name, request.body["file"])  # KFP makes a first one by that name
        return made

    def _version(self, pipeline: str, name: str, text: str) -> Any:
        failed = "Failed to create a pipeline version"
        if pipeline not in self.api.tables["pipelines"]:
            return _upload_error(400, failed)
        if self._is_taken("versions", display_name=name, pipeline_id=pipeline):
            return _upload_error(409, failed)
        return self._kept(
            "versions",
            "pipeline_version",
            display_name=name,
            name=name,
            pipeline_id=pipeline,
            pipeline_spec=_spec(text),
        )

    def _is_taken(self, table: str, **fields: Any) -> bool:
        rows = self.api.tables[table].values()
        return any(all(_same(row.get(name), value) for name, value in fields.items()) for row in rows)

    def _runs(self, request: Request, rest: list[str]) -> Any:
        if request.method == "POST":
            return self._unfit(request.body) or self._kept(
                "runs",
                "run",
                **_without_empty(request.body),
                storage_state="AVAILABLE",
                scheduled_at=CREATED,
                finished_at=NEVER,
                state="PENDING",
                state_history=[{"update_time": CREATED, "state": "PENDING"}],
            )
        if not rest:
            return self._listed("runs", request)
        run = self.api.tables["runs"].get(rest[0]) if rest else None
        if run is not None:
            self.api.at_get_run(run)
        return run

    def _unfit(self, body: dict[str, Any]) -> Error | None:
        """The error of a run or schedule without an experiment or version, or with unfit parameters."""
        if body["experiment_id"] not in self.api.tables["experiments"]:
            return Error(404, error_body(5, f"Experiment {body['experiment_id']} not found"))
        version = self.api.tables["versions"].get(body["pipeline_version_reference"]["pipeline_version_id"])
        if version is None:
            return Error(500, error_body(13, "Failed to fetch a pipeline version and its manifest"))
        spec = version["pipeline_spec"].get("pipeline_spec", version["pipeline_spec"])
        declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        for name, value in body["runtime_config"].get("parameters", {}).items():
            if name not in declared:
                said = f"parameter(s) provided are not required by pipeline: {name}"
            elif isinstance(value, str) != (declared[name]["parameterType"] == "STRING"):
                said = f"input parameter {name} requires type {declared[name]['parameterType']}"
            else:
                continue
            return Error(400, error_body(3, said))
        return None

    def _recurringruns(self, request: Request, rest: list[str]) -> Any:
        table = self.api.tables["schedules"]
        if not rest:
            if request.method == "GET":
                return self._listed("schedules", request, key="recurringRuns")
            return self._scheduled(request.body)
        name, _, action = rest[0].partition(":")
        if name not in table:
            return None
        if request.method == "DELETE":
            del table[name]
        else:
            table[name] |= {"mode": action.upper(), "status": f"{action.upper()}D"}
        return {}

    def _scheduled(self, body: dict[str, Any]) -> Any:
        try:
            read_cron(body["trigger"]["cron_schedule"]["cron"])
        except ValueError as error:
            return Error(400, error_body(3, f"Schedule cron is not a supported format. Error: {error}"))
        mode = body.get("mode", "DISABLE")
        return self._unfit(body) or self._kept(
            "schedules",
            "recurring_run",
            **_without_empty(body)
            | {"max_concurrency": str(body["max_concurrency"]), "mode": mode, "status": f"{mode}D"},
            updated_at=CREATED,
            namespace=body.get("namespace", "kubeflow"),
        )

    def _listed(self, table: str, request: Request, *, key: str | None = None, **equal: str) -> Any:
        """What a list answers: nothing at all where there is nothing, as protobuf's JSON has it."""
        for predicate in json.loads(request.query.get("filter", "{}")).get("predicates", []):
            assert predicate["operation"] in ("EQUALS", 1)
            equal[predicate["key"]] = predicate["stringValue"]
        if "experiment_id" in request.query:
            equal["experiment_id"] = request.query["experiment_id"]
        rows = [
            row
            for row in self.api.tables[table].values()
            if all(_same(row.get(each), equal[each]) for each in equal)
        ]
        start = int(request.query.get("page_token") or 0)
        page = rows[start : start + min(int(request.query.get("page_size") or 20), 200)]
        found: dict[str, Any] = {key or table: page, "total_size": len(rows)} if rows else {}
        if start + len(page) < len(rows):
            found["next_page_token"] = str(start + len(page))
        return found


@contextmanager
def serving(api: Api, *, certificate: Path | None = None) -> Iterator[Api]:
    """Answers on a free port while the block runs; with TLS where there is a certificate."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"api": api}))
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    api.url = f"{'https' if certificate else 'http'}://localhost:{server.server_port}"
    with running(server):
        yield api

"""An object store on this machine, of moto; it runs in an environment of its own (see servers.py).

    python bucket_server.py PORT_FILE s3|gs obeys|ignores|refuses|limits BUCKET

moto serves S3's API. `gs` puts Google Cloud Storage's XML API in front of it, which differs in the headers of
conditions. The server handles one request after another, so that its conditional writes are atomic. `ignores`
makes it a store without conditional writes, `refuses` one that answers them with 501 NotImplemented. `limits`
obeys, and takes one write a second of each object, as Google Cloud Storage does.
It writes its port to PORT_FILE.
"""

import itertools
import sys
import time
from pathlib import Path

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_X_GOOG_IF_GENERATION_MATCH")
_S3 = "AWS4-HMAC-SHA256 Credential=a-key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


def error(start_response, status, code):
    """An error of a store, in the form that S3 and Google Cloud Storage share."""
    start_response(status, [("Content-Type", "application/xml")])
    return [f"<Error><Code>{code}</Code><Message>said by the tests' server</Message></Error>".encode()]


class WithoutConditions:
    """Hides the conditions of requests that write, or refuses these requests."""

    def __init__(self, application, *, refuses):
        self._application = application
        self._refuses = refuses

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] == "PUT":
            given = [environ.pop(name, None) for name in CONDITIONS]
            if self._refuses and any(given):
                return error(start_response, "501 Not Implemented", "NotImplemented")
        return self._application(environ, start_response)


class LimitedWrites:
    """Answers 429 to a second write of an object within a second."""

    def __init__(self, application):
        self._application = application
        self._written = {}

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] == "PUT":
            name, now = environ["PATH_INFO"], time.monotonic()
            if now < self._written.get(name, 0) + 1:
                return error(start_response, "429 Too Many Requests", "SlowDown")
            self._written[name] = now
        return self._application(environ, start_response)


class GoogleCloudStorage:
    """The XML API of Google Cloud Storage, as far as obstore uses it, in front of S3's.

    A write gives an object a new generation, a condition names the generation that has to be there (0: none),
    and to delete an absent object is an error; see cloud.google.com/storage/docs/xml-api.
    """

    def __init__(self, application):
        self._application = application
        self._new = itertools.count(1_700_000_000_000_000)
        self._generations = {}

    def __call__(self, environ, start_response):
        method, name = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        query = environ.get("QUERY_STRING", "")
        expected = environ.pop("HTTP_X_GOOG_IF_GENERATION_MATCH", None)
        if not environ.pop("HTTP_AUTHORIZATION", "").startswith("Bearer "):
            return error(start_response, "401 Unauthorized", "AuthenticationRequired")
        if expected is not None and int(expected) != self._generations.get(name, 0):
            return error(start_response, "412 Precondition Failed", "PreconditionFailed")
        if method == "DELETE" and "uploadId" not in query and name not in self._generations:
            return error(start_response, "404 Not Found", "NoSuchKey")
        if source := environ.pop("HTTP_X_GOOG_COPY_SOURCE", None):
            environ["HTTP_X_AMZ_COPY_SOURCE"] = source
        environ["HTTP_AUTHORIZATION"] = _S3
        creates = (method, "uploadId" in query) in (("PUT", False), ("POST", True))

        def answer(status, headers, exc_info=None):
            if status.startswith("2") and creates:
                self._generations[name] = next(self._new)
            elif status.startswith("2") and method == "DELETE":
                self._generations.pop(name, None)
            if name in self._generations:
                headers = [*headers, ("x-goog-generation", str(self._generations[name]))]
            return start_response(status, headers, exc_info)

        return self._application(environ, answer)


def main() -> None:
    port_file, api, conditions, bucket = sys.argv[1:]
    application = DomainDispatcherApplication(create_backend_app)
    if api == "gs":
        application = GoogleCloudStorage(application)
    if conditions == "limits":
        application = LimitedWrites(application)
    elif conditions != "obeys":
        application = WithoutConditions(application, refuses=conditions == "refuses")
    server = make_server("127.0.0.1", 0, application)
    from moto.s3.models import s3_backends

    s3_backends["123456789012"]["aws"].create_bucket(bucket, "us-east-1")
    draft = Path(port_file).with_suffix(".new")
    draft.write_text(str(server.server_port))
    draft.rename(port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()

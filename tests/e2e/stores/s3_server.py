"""An S3 server on this machine, of moto; it runs in an environment of its own (see servers.py).

    python s3_server.py PORT_FILE obeys|ignores BUCKET

It handles one request after another, so that its conditional writes are atomic. `ignores` makes it a store
without conditional writes. It writes its port to PORT_FILE.
"""

import sys
from pathlib import Path

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


class WithoutConditions:
    """Hides the conditions of requests that write."""

    def __init__(self, application):
        self._application = application

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] == "PUT":
            environ.pop("HTTP_IF_MATCH", None)
            environ.pop("HTTP_IF_NONE_MATCH", None)
        return self._application(environ, start_response)


def main() -> None:
    port_file, conditions, bucket = sys.argv[1:]
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1", 0, application if conditions == "obeys" else WithoutConditions(application)
    )
    from moto.s3.models import s3_backends

    s3_backends["123456789012"]["aws"].create_bucket(bucket, "us-east-1")
    draft = Path(port_file).with_suffix(".new")
    draft.write_text(str(server.server_port))
    draft.rename(port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()

"""A server that cannot start says why."""

import asyncio

import pytest

from serving.http.server import HttpServer
from serving.server import Server
from serving.settings import ServeSettings
from serving.versions import VersionStore


def test_what_ends_the_http_server_at_its_start_is_told_and_not_waited_out(tmp_path, monkeypatch):
    async def fail(self, sockets):
        raise OSError(5, "the certificate is gone")

    async def live():
        settings = ServeSettings(rest_port=0, grpc=False)
        server = Server(VersionStore(tmp_path / "m"), settings, model_name="m", request_log=tmp_path)
        with pytest.raises(OSError, match="the certificate is gone"):
            await server.start()
        await server.close()

    monkeypatch.setattr(HttpServer, "startup", fail)
    asyncio.run(asyncio.wait_for(live(), 120))

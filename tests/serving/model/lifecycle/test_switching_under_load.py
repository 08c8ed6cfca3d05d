"""Versions come and go under the feet of many clients, and none of them notices."""

import asyncio
import collections
from pathlib import Path

import orjson
import pytest

from serving.server import Server
from serving.settings import ServeSettings
from serving.store.manifest import Facts
from serving.versions import VersionStore

CLIENTS = 8
MODEL = "imdb_sentiment"
BODY = orjson.dumps({"instances": ["a film"]})
REQUEST = (
    f"POST /v1/models/{MODEL}:predict HTTP/1.1\r\nhost: test\r\ncontent-length: {len(BODY)}\r\n\r\n".encode()
    + BODY
)


class Client:
    """Asks over one connection, again and again; `seen` counts what all of them were answered."""

    def __init__(self, address: str) -> None:
        self.host, _, self.port = address.rpartition(":")
        self.seen: collections.Counter[tuple[int, float]] = collections.Counter()
        self.stop = False

    async def ask_on(self) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        while not self.stop:
            await asyncio.sleep(0.002)
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
            ).split(b":")[1]
            answer = orjson.loads(await reader.readexactly(int(length)))
            status = int(head.split(b" ", 2)[1])
            said = answer["predictions"][0]["probability"] if status == 200 else answer["error"]
            self.seen[status, said] += 1
        writer.close()

    async def more(self, said: float, count: int = 50) -> None:
        """Returns when `said` was answered `count` times more."""
        before = self.seen[200, said]
        async with asyncio.timeout(60):
            while self.seen[200, said] < before + count:
                await asyncio.sleep(0.01)


@pytest.fixture
def store(tmp_path):
    return VersionStore(tmp_path / MODEL)


def serve(store, story, **settings):
    """Runs `await story(server, client)` while the clients ask; returns what they saw."""

    async def live():
        defaults = {"rest_port": 0, "grpc": False, "poll_seconds": 0.05, "drain_delay_seconds": 0}
        server = Server(
            store,
            ServeSettings(**(defaults | {"access_log": False} | settings)),
            model_name=MODEL,
            request_log=Path(store.root, "..", "requests"),
        )
        client = Client((await server.start()).rest)
        asking = [asyncio.create_task(client.ask_on()) for _ in range(CLIENTS)]
        try:
            await story(server, client)
        finally:
            client.stop = True
            await asyncio.gather(*asking)
            server.stop()
            await server.run()
        return client.seen

    return asyncio.run(live())


def test_promotion_and_rollback_cost_no_request(store, tiny_model):
    second = tiny_model(0.75)

    async def story(server, client):
        await client.more(0.25)
        await asyncio.to_thread(store.push, second, Facts())
        await client.more(0.75)
        await asyncio.to_thread(store.rollback, "not so good")
        await client.more(0.25)
        await asyncio.to_thread(store.promote, 2, "good after all")
        await client.more(0.75)
        assert server.service.labels() == {"stable": 3}

    store.push(tiny_model(0.25), Facts())
    seen = serve(store, story)
    assert {status for status, _ in seen} == {200}, seen
    assert sum(seen.values()) > 300


def test_a_version_damaged_on_its_way_is_reported_while_the_last_good_one_answers(store, tiny_model):
    async def story(server, client):
        await client.more(0.25)
        await asyncio.to_thread(push_damaged)
        async with asyncio.timeout(30):
            while not server.models.refusals():
                await asyncio.sleep(0.01)
        await client.more(0.25)
        (refused,) = server.models.refusals()
        assert refused.version == 2
        assert (
            refused.message
            == "version 2: variables/variables.index was changed: its sha256 is not the manifest's"
        )
        assert "greenlight_versions_refused_total" in server.metrics.render().decode()
        assert "version 2" in str(server.service.statuses(version=2)[0].message)

    def push_damaged():
        # Damaged between the store's rename and the server's look: the version is there and is not whole.
        staged = VersionStore(store.root + "-staged")
        staged.push(tiny_model(0.25), Facts())
        staged.push(tiny_model(0.75), Facts())
        version = Path(staged.root) / "2"
        index = version / "variables" / "variables.index"
        index.write_bytes(bytes(byte ^ 1 for byte in index.read_bytes()))
        version.rename(Path(store.root) / "2")

    store.push(tiny_model(0.25), Facts())
    seen = serve(store, story)
    assert set(seen) == {(200, 0.25)}, seen

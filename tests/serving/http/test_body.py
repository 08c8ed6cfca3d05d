"""Reading a request's body: what packed bytes come to, and that they are bounded whatever they claim."""

import asyncio
import gzip
import tracemalloc
import zlib

import pytest

from serving.http.messages import HttpError, read_body
from serving.settings import ServeSettings

LIMITS = ServeSettings(max_body_bytes=2**16)


def body_of(content: bytes, packing: str) -> bytes:
    async def receive():
        return {"type": "http.request", "body": content, "more_body": False}

    return asyncio.run(read_body({b"content-encoding": packing.encode()}, receive, LIMITS))


def refusal_of(content: bytes, packing: str = "gzip") -> tuple[int, str]:
    with pytest.raises(HttpError) as caught:
        body_of(content, packing)
    return caught.value.status, caught.value.message


NOT_PACKED = (400, "The body is not what its Content-Encoding says")
TOO_LARGE = (413, "The body is larger than 65536 bytes (serve.max_body_bytes)")


@pytest.mark.parametrize("packing", ["gzip", "x-gzip", "GZIP"])
@pytest.mark.parametrize("sizes", [[1], [0], [1, 1], [0, 3, 0], [2**16], [2**16 - 1, 1], [2] * 1024])
def test_gzip_of_one_or_several_members_is_their_contents_in_order(packing, sizes):
    parts = [bytes([65 + place % 26]) * size for place, size in enumerate(sizes)]
    assert body_of(b"".join(map(gzip.compress, parts)), packing) == b"".join(parts)


def test_a_member_larger_than_the_pieces_it_is_read_in_ends_where_the_next_begins():
    first, second = bytes(range(256)) * 12, b"the second"
    packed = gzip.compress(first, compresslevel=0) + gzip.compress(second)  # as large as its content
    assert body_of(packed, "gzip") == first + second


def test_deflate_is_one_stream():
    assert body_of(zlib.compress(b"{}"), "deflate") == b"{}"
    assert refusal_of(zlib.compress(b"{}") * 2, "deflate") == NOT_PACKED


@pytest.mark.parametrize("sizes", [[2**16 + 1], [2**16, 1], [20_000] * 4])
def test_members_count_together(sizes):
    assert refusal_of(b"".join(gzip.compress(b" " * size) for size in sizes)) == TOO_LARGE


def test_more_members_than_anyone_writes_are_refused():
    assert refusal_of(gzip.compress(b"") * 1025) == (400, "The body has more than 1024 gzip members")


WHOLE = gzip.compress(b"{}", mtime=0)


@pytest.mark.parametrize(
    "content", [b"", b"{}", WHOLE[:-1], WHOLE + b"\0", WHOLE + WHOLE[:-4], WHOLE + zlib.compress(b"{}")]
)
def test_what_is_not_whole_or_has_something_behind_it_is_refused(content):
    assert refusal_of(content) == NOT_PACKED


@pytest.mark.parametrize(("members", "size"), [(1, 2**25), (8, 2**22)])
def test_a_bomb_never_takes_the_memory_that_it_stands_for(members, size):
    bomb = gzip.compress(b" " * size) * members
    tracemalloc.start()
    assert refusal_of(bomb) == TOO_LARGE
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**19

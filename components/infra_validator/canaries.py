"""Canary requests: texts of the data, and edge cases such as an empty text."""

from collections.abc import Sequence

from components import reviews
from serving.canary import Canary

EMPTY = "the empty string"
ODD_TEXTS: dict[str, bytes] = {
    EMPTY: b"",
    "100,000 characters": b"an endless film, and yet " * 4_000,
    "white space only": b" \t\r\n\n ",
    "German": "Ein großartiger Film, den man nicht verpassen darf – köstlich!".encode(),
    "Japanese": "とても素晴らしい映画でした。また観たいです。".encode(),
    "Arabic": "فيلم رائع جداً".encode(),
    "emoji": "👍🏽🎬🍿 10/10 👨‍👩‍👧‍👦".encode(),
    "markup": b"<br /><br />Great film!<script>alert(1)</script> &amp; more",
    "a NUL byte": b"good\x00film",
    "invalid UTF-8": b"caf\xe9 \xff\xfe\x80 film",
}


def canaries(texts: Sequence[bytes]) -> tuple[Canary, ...]:
    """The texts of the data first, then the odd ones.

    Args:
      texts: texts of the data as bytes.
    """
    named = {f"text {number}": text for number, text in enumerate(texts, start=1)}
    return tuple(_canary(name, text) for name, text in (named | ODD_TEXTS).items())


def _canary(name: str, text: bytes) -> Canary:
    example = reviews.to_example("", 0)
    example.features.feature[reviews.TEXT].bytes_list.value[:] = [text]  # any bytes, UTF-8 or not
    return Canary(name=name, text=text, example=example.SerializeToString())

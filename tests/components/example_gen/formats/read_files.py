"""A table of two reviews, and what the files source reads of a file."""

from components.example_gen.formats.rows import Columns, Review
from components.example_gen.sources.files import FilePart

COLUMNS = Columns("text", "label")
TABLE = b"text,label\nfine,1\ndull,0\n"
ROWS = [("fine", 1), ("dull", 0)]


def read(path: str) -> list:
    return list(FilePart(path, COLUMNS).rows())


def taken(path: str) -> list[tuple[str, int]]:
    return [(row.text, row.label) for row in read(path) if isinstance(row, Review)]

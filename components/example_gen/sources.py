"""Where reviews come from: the parts that workers read, and the fingerprint of what they will read there.

A source is chosen by `DataSettings.source`; each has a file of its own: packaged, files, prepared (TFDS).
"""

from components.example_gen import files, packaged, prepared
from components.example_gen.files import FilePart
from components.example_gen.packaged import PackagedPart
from components.example_gen.prepared import TfdsPart
from components.example_gen.settings import DataSettings

Part = PackagedPart | TfdsPart | FilePart
"""What one worker reads from its first row to its last; travels to the worker pickled. Each has

- `name`: how messages call it: a package, a dataset, a path;
- `split`: the split that all its rows go to, or None to share them out by their text;
- `rows()`: its rows; raises InputError if it cannot be read to the end;
- `held_out()`: texts of another part whose split is fixed; rows with these texts are set aside.
"""


def parts(settings: DataSettings) -> list[Part]:
    """The parts of the source, in an order that depends on their names alone.

    Raises:
      InputError: the source is not there: no file matches, or TFDS has nothing prepared and cannot download.
    """
    if settings.kind == "packaged":
        return [PackagedPart()]
    if settings.kind == "tfds":
        prepared.prepare(settings.tfds_data_dir)
        if not settings.test_weight:
            return [TfdsPart(settings.tfds_data_dir, "train", split=None)]
        return [
            TfdsPart(settings.tfds_data_dir, "train", split=None, unlike="test"),
            TfdsPart(settings.tfds_data_dir, "test", split="test"),
        ]
    return [
        FilePart(path, settings.text_column, settings.label_column)
        for path in files.matching_paths(settings.pattern)
    ]


def fingerprint(settings: DataSettings) -> str:
    """Names the content that the source has now: the same bytes elsewhere, or touched, have the same
    fingerprint.

    Raises:
      InputError: as `parts`.
    """
    if settings.kind == "packaged":
        # The reader accepts no other bytes than these.
        return f"packaged:{packaged.SHA256}"
    if settings.kind == "tfds":
        return f"tfds:{prepared.content_fingerprint(prepared.prepare(settings.tfds_data_dir))}"
    return f"files:{files.content_fingerprint(files.matching_paths(settings.pattern))}"

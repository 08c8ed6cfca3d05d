"""The locator of an embedding's SavedModel: built, downloaded into the cache, or a given folder."""

import hashlib
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from components.cache_folder import locked
from components.embeddings import catalog, checksums, content, glove
from components.embeddings.settings import EmbeddingSettings
from components.errors import GreenlightError, InputError

Progress = Callable[[str], None]

OOV_ROWS = 1_000
"""Hashed rows that words outside the vocabulary share; about 2 % of an example's tokens land there."""

_DOWNLOAD_TIMEOUT = 60.0
_DOWNLOADED = ("http://", "https://")
"""Addresses of modules that TF Hub downloads; it reads others in place."""
_BUILDERS = ("glove.py", "locate.py", "rows.py", "text_module.py", "tokenization.py")


def locate(settings: EmbeddingSettings, *, cache_dir: Path, progress: Progress | None = None) -> str:
    """The handle to give to hub.KerasLayer: the folder of a SavedModel.

    Builds or downloads into `cache_dir` what is not there yet, once: several processes may ask at the same
    time. A copy that was damaged since is replaced. `progress` is called with a line if that takes a while.

    Raises:
      InputError: the name is unknown, the folder is not a SavedModel, the download failed.
    """
    progress = progress or (lambda line: None)
    cache_dir = cache_dir.absolute()
    embedding = catalog.find(settings.name)
    if embedding.kind == "built":
        return str(_built(settings, cache_dir / "embeddings", progress))
    if embedding.kind == "hub":
        return _downloaded(embedding.handle, cache_dir, progress)
    return embedding.handle


def fingerprint(settings: EmbeddingSettings, *, cache_dir: Path | None = None) -> str:
    """Changes when the same settings come to mean another module; for caches of what was made with it.

    Args:
      cache_dir: where `locate` keeps downloads. The content of a module of TF Hub counts once it is there;
        before, or without a folder, its address stands for it.
    """
    embedding = catalog.find(settings.name)
    if embedding.kind == "built":
        return _build_fingerprint(settings)
    if embedding.kind == "folder":
        return content.folder_hash(Path(embedding.handle))
    if not embedding.handle.startswith(_DOWNLOADED):
        return _bucket_fingerprint(embedding.handle)
    folder = download_folder(embedding.handle, cache_dir=cache_dir) if cache_dir else None
    if folder is None or not catalog.is_saved_model(folder):
        return _address_fingerprint(embedding.handle)
    return content.folder_hash(folder)


@contextmanager
def unchanged(settings: EmbeddingSettings, *, cache_dir: Path, expected: str) -> Iterator[None]:
    """For a block that loads the embedding and keeps what it makes under a fingerprint.

    Args:
      expected: the fingerprint.

    Raises:
      GreenlightError: after the block, if the module was not the one of `expected` all along.
    """
    handle = Path(locate(settings, cache_dir=cache_dir))
    before = content.folder_state(handle)
    yield
    found = fingerprint(settings, cache_dir=cache_dir)
    by_address = _address_fingerprint(catalog.find(settings.name).handle)
    if content.folder_state(handle) != before or expected not in (found, by_address):
        raise GreenlightError(
            f"The embedding {settings.name} at {handle} was changed while it was used, so nothing that was "
            "made with it was kept. Run again when its files stay as they are."
        )


def _bucket_fingerprint(address: str) -> str:
    import tensorflow as tf

    try:
        return content.bucket_hash(address)
    except tf.errors.OpError:
        # This machine may only compile the pipeline; one that cannot read the module says so in `locate`.
        return _address_fingerprint(address)


def _address_fingerprint(address: str) -> str:
    return content.short_hash(address)


def _built(settings: EmbeddingSettings, shelf: Path, progress: Progress) -> Path:
    folder = shelf / f"{settings.name}-{_build_fingerprint(settings)}"
    record = folder.with_name(folder.name + ".seal.json")
    with locked(folder):
        if not checksums.is_intact(folder, record):
            if settings.name != catalog.NONE:
                progress(f"building the embedding {settings.name}, {settings.vocabulary_size:,} words (once)")
            shutil.rmtree(folder, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=shelf, prefix=f".{folder.name}-") as scratch:
                _build(Path(scratch, "module"), settings)
                os.rename(Path(scratch, "module"), folder)
            checksums.write(folder, record)
    return folder


def _build(folder: Path, settings: EmbeddingSettings) -> None:
    from components.embeddings import text_module

    if settings.name == catalog.NONE:
        text_module.save_constant(folder)
        return
    glove_6b = glove.read(settings.vocabulary_size)
    rows_for_unknown = np.zeros((OOV_ROWS, glove_6b.vectors.shape[1]), np.float32)
    text_module.save(
        folder, words=glove_6b.words, vectors=np.concatenate([glove_6b.vectors, rows_for_unknown])
    )


def _build_fingerprint(settings: EmbeddingSettings) -> str:
    here = Path(__file__).parent
    sources = [(here / name).read_text(encoding="utf-8") for name in _BUILDERS]
    return content.short_hash(str(settings.vocabulary_size), *glove.SHA256.values(), *sources)


def _downloaded(url: str, cache_dir: Path, progress: Progress) -> str:
    folder = download_folder(url, cache_dir=cache_dir)
    shelf = folder.parent
    record = folder.with_name(folder.name + ".seal.json")
    with locked(folder):
        if not _is_whole(folder, record):
            shutil.rmtree(folder, ignore_errors=True)
            record.unlink(missing_ok=True)
            # We hold the lock, so a lock file of hub's own is left over from a download that was killed.
            folder.with_name(folder.name + ".lock").unlink(missing_ok=True)
            progress(f"downloading {url} (once)")
            found = _download(url, shelf)
            if found != str(folder):
                return found  # hub reads this kind of handle (gs://...) in place
        if not catalog.is_saved_model(folder):
            shutil.rmtree(folder, ignore_errors=True)
            raise InputError(
                f"{url} is not a TF Hub module: what it sent has no saved_model.pb. Check the address."
            )
        if not record.exists():
            checksums.write(folder, record)
    return str(folder)


def download_folder(url: str, *, cache_dir: Path) -> Path:
    """The folder of a downloaded module, there or not.

    It has the name that hub itself gives it, so that a cache filled elsewhere may be copied here.
    """
    return cache_dir.absolute() / "hub" / hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()


def _is_whole(folder: Path, record: Path) -> bool:
    """Without a record hub finished the download, which it does in one step, but we never came to seal it."""
    return checksums.is_intact(folder, record) if record.exists() else catalog.is_saved_model(folder)


def _download(url: str, shelf: Path) -> str:
    import tensorflow as tf
    import tensorflow_hub as hub

    os.environ["TFHUB_CACHE_DIR"] = str(shelf)  # instead of the temp folder, which gets cleaned
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT)  # hub sets none: a silent firewall would hang us
    try:
        return hub.resolve(url)
    except (OSError, ValueError, EOFError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"The embedding {url} could not be downloaded: {reason}. Check the address and the network, or "
            "download the module elsewhere, unpack it, and set embedding.name to its folder; glove-6b-50d "
            "needs no network."
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)

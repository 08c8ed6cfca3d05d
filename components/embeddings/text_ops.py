"""The ops of tensorflow-text that an embedding uses: checked before a run, loaded before the module."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.embeddings import catalog
from components.embeddings.settings import EmbeddingSettings
from components.errors import InputError
from serving import text_ops


def load_for(handle: str, *, name: str) -> None:
    """Loads them if the module at `handle` uses them.

    Args:
      name: what the person calls it; for the error message.

    Raises:
      InputError: the package is not installed, or does not fit TensorFlow.
    """
    with _as_input_error(name):
        text_ops.load_for(handle)


def require(settings: EmbeddingSettings, *, cache_dir: Path) -> None:
    """Checks without TensorFlow that they can be had, for a module that is on this machine.

    Any other module is checked when it is loaded.

    Raises:
      InputError: the module uses them, and the package is not installed.
    """
    embedding = catalog.find(settings.name)
    if embedding.kind == "folder":
        folder = Path(embedding.handle)
    elif embedding.kind == "hub":
        # It imports numpy, for which a mistake in a setting need not wait.
        from components.embeddings import locate

        folder = locate.download_folder(embedding.handle, cache_dir=cache_dir)
    else:
        return
    with _as_input_error(settings.name):
        text_ops.require_for(folder)


@contextmanager
def _as_input_error(name: str) -> Iterator[None]:
    try:
        yield
    except text_ops.MissingTextOps as error:
        raise InputError(f"embedding.name = {name!r} cannot be used: {error}") from error

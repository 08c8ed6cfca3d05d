"""The choice of file operations for a path: disk or object store."""

from serving.storage.files import Files
from serving.storage.local import LocalFiles


def files_for(path: str) -> Files:
    """LocalFiles for a local path; GfileFiles, which import TensorFlow, for `gs://`, `s3://` and others."""
    if "://" in path:
        from serving.storage.gfile import GfileFiles

        return GfileFiles()
    return LocalFiles()

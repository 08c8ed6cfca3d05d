"""The choice of file operations for a path: disk or object store."""

from serving.storage.files import Files
from serving.storage.local import LocalFiles


def files_for(path: str) -> Files:
    """Plain files for a plain path; `tf.io.gfile` (and so TensorFlow) for `gs://`, `s3://` and the like."""
    if "://" in path:
        from serving.storage.gfile import GfileFiles  # and with it TensorFlow

        return GfileFiles()
    return LocalFiles()

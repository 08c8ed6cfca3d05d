"""The choice of file operations for a path: disk or object store."""

from serving.storage.files import Files
from serving.storage.local import LocalFiles


def files_for(path: str, *, single_writer: bool = False) -> Files:
    """LocalFiles for a local path; ObjectFiles for `s3://` and `gs://`.

    Args:
      path: a folder or an address.
      single_writer: whether to write to an object store without conditional writes; see ObjectFiles.

    Raises:
      StoreInputError: an address of another kind.
    """
    if "://" in path:
        from serving.storage.buckets import open_bucket
        from serving.storage.objects import ObjectFiles

        return ObjectFiles(open_bucket(path), single_writer=single_writer)
    return LocalFiles()

"""The file operations of an object store over the disk, so that a test can look at and damage the files."""

from pathlib import Path

from obstore.store import LocalStore

from serving.storage.objects import ObjectFiles


class DiskObjects(ObjectFiles):
    """Paths of the disk in place of addresses. obstore's LocalStore has no conditional updates."""

    def __init__(self) -> None:
        super().__init__(LocalStore(Path("/"), automatic_cleanup=True), single_writer=True, pause=0.01)

    def _key(self, address: str) -> str:
        return address.strip("/")

"""Jars from a Maven repository, checked against their published checksums and kept in a folder."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import httpx

from components.cache_folder import locked
from components.errors import InputError, MachineFault
from serving.storage.whole_file import write_whole

Progress = Callable[[str], None]

CENTRAL = "https://repo.maven.apache.org/maven2"
_CHECKSUMS = ("sha512", "sha256", "sha1")  # the strongest first; a repository always has the last
_SECONDS = 60.0
_STEP = 50 * 2**20
"""The number of bytes between two reports of a download's progress."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Artifact:
    """A jar by its Maven coordinates. setting: the key that gives a file instead, for the messages."""

    group: str
    name: str
    version: str
    setting: str

    def __str__(self) -> str:
        return f"{self.group}:{self.name}:{self.version}"

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}.jar"

    def url(self, repository: str) -> str:
        return "/".join(
            (
                repository.rstrip("/"),
                *self.group.split("."),
                self.name,
                self.version,
                self.file_name,
            )
        )


def jar_of(artifact: Artifact, *, repository: str, shelf: Path, progress: Progress) -> Path:
    """The artifact's jar in the folder `shelf`, downloaded once; a copy damaged since is replaced.

    Raises:
      InputError: the repository does not have the artifact or its checksum, or the folder cannot be written.
      MachineFault: the repository does not answer, or what it sent does not match its checksum.
    """
    path = shelf / artifact.file_name
    with locked(path):
        if not _is_intact(path):
            with httpx.Client(timeout=_SECONDS, follow_redirects=True) as client:
                _download(client, artifact, repository, path, progress)
    return path


def _download(
    client: httpx.Client, artifact: Artifact, repository: str, path: Path, progress: Progress
) -> None:
    url = artifact.url(repository)
    draft = path.with_name(f".{path.name}.part")
    try:
        algorithm, published = _published_checksum(client, artifact, url)
        found = _received(client, artifact, url, draft, algorithm, progress)
        if found != published:
            raise MachineFault(
                f"{url}: what was received has the {algorithm} checksum {found}, but {published} is "
                "published. Run again; if it stays so, ask whoever runs the repository."
            )
        write_whole(_record_of(path), f"{algorithm} {published}\n")
        draft.replace(path)
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise MachineFault(
            f"{artifact} could not be downloaded from {url}: {reason}. Check the network and "
            f"beam.maven_repository, or download the jar elsewhere and set {artifact.setting} to it."
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _published_checksum(client: httpx.Client, artifact: Artifact, url: str) -> tuple[str, str]:
    for algorithm in _CHECKSUMS:
        response = client.get(f"{url}.{algorithm}")
        if response.status_code == httpx.codes.NOT_FOUND:
            continue
        response.raise_for_status()
        words = response.text.split()
        if words and len(words[0]) == 2 * hashlib.new(algorithm).digest_size:
            return algorithm, words[0].lower()
    raise InputError(
        f"{artifact} is not at {url}, or has no checksum there. Set beam.maven_repository to one that has "
        f"it, or {artifact.setting} to a jar on this machine."
    )


def _received(
    client: httpx.Client, artifact: Artifact, url: str, draft: Path, algorithm: str, progress: Progress
) -> str:
    """Writes what `url` has to `draft`; returns its checksum."""
    digest = hashlib.new(algorithm)
    told = 0
    with client.stream("GET", url) as response, draft.open("wb") as file:
        response.raise_for_status()
        size = int(response.headers.get("content-length", 0))
        of = f" of {_mib(size)}" if size else ""
        progress(f"downloading {artifact}{f' ({_mib(size)})' if size else ''}, once")
        for chunk in response.iter_bytes(2**20):
            file.write(chunk)
            digest.update(chunk)
            if file.tell() - told >= _STEP:
                told = file.tell()
                progress(f"downloaded {_mib(told)}{of}")
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"


def _is_intact(path: Path) -> bool:
    try:
        algorithm, published = _record_of(path).read_text(encoding="utf-8").split()
        with path.open("rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest() == published
    except (OSError, ValueError):
        return False


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.checksum")

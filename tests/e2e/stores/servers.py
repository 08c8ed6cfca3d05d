"""Object stores for the proofs: moto, in an environment outside the checkout.

It is kept in `~/.cache/greenlight/proofs` or GREENLIGHT_PROOFS.
"""

import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

HERE = Path(__file__).parent
PACKAGES = ("moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5")
BUCKET = "models"
_SECONDS = 240


class Missing(Exception):
    """The server's packages are not to be had here; the proofs are skipped for this reason."""


def python() -> Path:
    """The Python of an environment with moto, which the first call makes."""
    shelf = Path(os.environ.get("GREENLIGHT_PROOFS") or "~/.cache/greenlight/proofs").expanduser()
    shelf.mkdir(parents=True, exist_ok=True)
    root = shelf / f"moto-5.2.5-python{sys.version_info.major}.{sys.version_info.minor}"
    with filelock.FileLock(f"{root}.lock"):
        if not (root / "ready").exists():
            shutil.rmtree(root, ignore_errors=True)
            venv.create(root, with_pip=True)
            pip = (str(root / "bin" / "pip"), "--disable-pip-version-check", "install", "-q", *PACKAGES)
            done = subprocess.run(pip, capture_output=True, text=True, timeout=_SECONDS * 4, check=False)
            if done.returncode:
                raise Missing(f"moto could not be installed: {done.stderr.strip().splitlines()[-1:]}")
            (root / "ready").touch()
    return root / "bin" / "python"


@contextmanager
def bucket_server(folder: Path, *, api: str, conditions: str) -> Iterator[dict[str, str]]:
    """The variables of the environment of a client, while the server runs.

    Args:
      folder: where it writes its log and port.
      api: `s3`, or `gs` for the XML API of Google Cloud Storage.
      conditions: `obeys` those of writes, `ignores` them, or `refuses` such writes; `limits` obeys them, and
        takes one write a second of each object.
    """
    port, log = folder / f"{api}-{conditions}.port", folder / f"{api}-{conditions}.log"
    command = (str(python()), str(HERE / "bucket_server.py"), str(port), api, conditions, BUCKET)
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder, env=_plain())
        try:
            _wait_for(port, process, log)
            yield _variables(api, f"http://127.0.0.1:{port.read_text()}")
        finally:
            process.kill()
            process.wait()


def _variables(api: str, address: str) -> dict[str, str]:
    if api == "gs":
        return {"STORAGE_EMULATOR_HOST": address}
    return {
        "AWS_ACCESS_KEY_ID": "a-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-tests",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
    }


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _wait_for(port: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while not port.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, f"the object store did not start: {log.read_text()}"
        time.sleep(0.05)

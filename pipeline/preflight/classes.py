"""The names of the classes, learned from the files before a run (`data.classes = "auto"`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from components.example_gen.formats.labels import LEARNED_SETTING
from components.example_gen.sources.label_census import LearnedClasses, learned_classes
from pipeline.config import require_judgeable

if TYPE_CHECKING:
    from components.example_gen.settings import DataSettings
    from pipeline.config import Settings


def with_learned_classes(
    settings: Settings, source: DataSettings | None = None, *, tell: Callable[[str], None]
) -> Settings:
    """The settings with the names of the classes, where these are to be learned; else unchanged.

    Args:
      source: the settings of the files to learn from, if they are not those that a run reads.
      tell: gets a line with the names and the rows of each.

    Raises:
      InputError: the source cannot be read, its labels cannot be those of classes, or it lacks a class that a
        condition of the gate is about.
    """
    if not settings.data.learns_classes:
        return settings
    learned = learned_classes(source or settings.located_data)
    tell(told(learned))
    data = settings.data.with_classes(learned.names)
    found = settings.model_copy(update={"data": data})
    if source is None:
        require_judgeable(found)
    return found


def told(learned: LearnedClasses) -> str:
    """The learned classes in words, in their order."""
    counted = zip(learned.names, learned.rows, strict=True)
    rows = ", ".join(f"{name} ({count:,} rows)" for name, count in counted)
    return f"Classes learned from the labels ({LEARNED_SETTING}): {rows}"

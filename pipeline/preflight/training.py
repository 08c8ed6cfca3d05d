"""Checks before a run, a search, a study or a retraining: keys, settings, the first rows of the source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from components.embeddings import catalog, text_ops
from components.errors import InputError
from components.example_gen.sources import preflight
from components.trainer import workers
from components.trainer.own_model.module_file import ModuleFile
from pipeline.preflight import beam_runner
from pipeline.preflight.classes import with_learned_classes

if TYPE_CHECKING:
    from pipeline.config import Settings


def require_run(settings: Settings) -> None:
    """Finds out that a run could not begin.

    Raises:
      InputError: a key, the embedding, the file of trainer.module, a Beam option or a worker is not there, or
        the source cannot be read.
      DataStopped: the first rows of the source cannot be used. All else is well then.
    """
    _require_keys(settings)
    require_unseen_split(settings)
    _require_pipeline(settings)
    _require_source(settings)


def require_search(settings: Settings, output: Path | None) -> None:
    """The same of a search for settings, which also has to have something to try.

    Args:
      output: where the settings are to be written; None for a place in the workspace.
    """
    _require_built_in(settings, "`greenlight tune` searches")
    _require_choice(settings)
    _require_pipeline(settings)
    if output is not None:
        _require_writable(output)
    _require_source(settings)


def require_study(settings: Settings, output: Path | None = None) -> None:
    """The same of a study, which fits in this process and without Beam.

    Args:
      output: where the result is to be written too, if anywhere.
    """
    _require_built_in(settings, "`greenlight study` compares")
    _require_two_classes(settings)
    text_ops.require(settings.embedding, cache_dir=settings.cache)
    if output is not None:
        _require_writable(output)
    _require_source(settings)


def require_retraining(settings: Settings) -> None:
    """The same of all runs that a retraining may start.

    Spans come and go: each is looked at when it is its turn. Nor is a job server asked, which may come back.
    """
    _require_keys(settings)
    require_unseen_split(settings)
    _require_model(settings)
    beam_runner.require_known(settings.beam)
    workers.require_known(settings.trainer)
    if not settings.data.has_spans:
        _require_source(settings)


def require_unseen_split(settings: Settings) -> None:
    """Checks that a refit leaves a split for the gate.

    Raises:
      InputError: the model is to be refit on the split that the gate judges on.
    """
    if settings.trainer.refit is True and settings.data.judged_split == "eval":
        raise InputError(
            "trainer.refit = true: without a test split (data.test_weight = 0) the gate judges on eval, and "
            "it cannot judge a model on examples that the model was fitted on. Give data.test_weight a "
            'share, or leave trainer.refit at "auto".'
        )


def _require_pipeline(settings: Settings) -> None:
    _require_model(settings)
    beam_runner.require_usable(settings.beam)
    workers.require_known(settings.trainer)


def _require_model(settings: Settings) -> None:
    if settings.trainer.module is not None:
        ModuleFile.read(settings.trainer.module)
    else:
        text_ops.require(settings.embedding, cache_dir=settings.cache)
        _require_features(settings)


def _require_features(settings: Settings) -> None:
    if settings.embedding.name == catalog.NONE and not settings.trainer.ngram_order:
        raise InputError(
            'embedding.name = "none" leaves the word n-grams alone, and trainer.ngram_order = 0 leaves these '
            "out: nothing of the text is left. Give one of them another value."
        )


def _require_built_in(settings: Settings, what: str) -> None:
    if settings.trainer.module is not None:
        raise InputError(
            f"trainer.module = {settings.trainer.module!r}: {what} settings of the built-in model, most of "
            "which mean nothing for your own. Unset it for this command: --set trainer.module=none."
        )


def _require_two_classes(settings: Settings) -> None:
    names = settings.data.classes
    if names is not None and len(names) != 2:
        raise InputError(
            "`greenlight study` compares fits on two classes, and data.classes has others. Compare two on a "
            "file of two classes, or leave the other labels out with data.labels."
        )


def _require_source(settings: Settings) -> None:
    settings = with_learned_classes(settings, tell=lambda _: None)
    preflight.require_source(settings.located_data)


def _require_keys(settings: Settings) -> None:
    """Finds out before training, not at the push, that a key is not there."""
    for name in ("signing_key", "public_key"):
        key = getattr(settings.push, name)
        if key is not None and not Path(key).is_file():
            raise InputError(
                f"push.{name} = {str(key)!r}: the file does not exist. Give a PEM file, or unset it."
            )


def _require_choice(settings: Settings) -> None:
    lists = settings.tune.model_dump(exclude={"trials", "minutes", "seed"})
    if not any(lists.values()):
        raise InputError(
            "There is nothing to try: "
            + ", ".join(f"tune.{name}" for name in lists)
            + " are all empty. Give "
            "one of them values."
        )


def _require_writable(output: Path) -> None:
    """Finds out before the search, not after it."""
    output = output.absolute()
    if output.is_dir() or not output.parent.is_dir() or not os.access(output.parent, os.W_OK):
        reason = "it is a folder" if output.is_dir() else "its folder is not there or cannot be written to"
        raise InputError(f"--output {output} cannot be written: {reason}. Name another file.")

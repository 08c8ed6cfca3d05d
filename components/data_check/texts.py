"""Text checks of the training examples: known words of the embedding, labels that look wrong.

The packaged reviews and TensorFlow Datasets' are known; nothing is looked for there.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.types import artifact_utils

from components.data_check.limits import too_many
from components.data_check.sample import Sample, read_sample
from components.data_check.settings import CheckSettings
from components.data_check.vocabulary import KnownWords, known_words, unknown_language
from components.embeddings import catalog, glove, tokenization
from components.embeddings.settings import EmbeddingSettings
from components.label_check.suspects import MOST, LabelCheck, find_suspects
from components.reviews import one_line
from components.unspaced_scripts import with_spaces_tf

TRAIN = "train"
_KNOWN_SOURCES = ("packaged", "tfds")
_READ_FOR_WORDS = 2_000
_SHOWN = 20
_SHOWN_CHARACTERS = 160


@dataclasses.dataclass(frozen=True)
class TextFacts:
    """`findings` stop the run."""

    findings: list[str] = dataclasses.field(default_factory=list)
    vocabulary: dict[str, Any] | None = None
    labels: dict[str, Any] | None = None
    """{"examined", "suspects", "share", "right_suspects", "contradictions", "not_judged", "first": [{"text",
    "label", "probability", "span"}]}: the most probably wrong labels, with the beginning of their text; None
    if the check did not run.
    """


def look_at(
    examples: Sequence[types.Artifact] | None, settings: CheckSettings, embedding: str | None
) -> TextFacts:
    """Looks at the split `train`.

    Args:
      examples: ImdbExampleGen's output, if it is there.
      settings: the limits.
      embedding: EmbeddingSettings as JSON, if known.
    """
    if not examples or examples[0].get_string_custom_property("source") in _KNOWN_SOURCES:
        return TextFacts()
    if TRAIN not in artifact_utils.decode_split_names(examples[0].split_names):
        return TextFacts()
    try:
        sample = read_sample(artifact_utils.get_split_uri(list(examples), TRAIN), most=MOST)
    except tf.errors.InvalidArgumentError:  # a feature of another type: an anomaly, which is told elsewhere
        return TextFacts()
    if not sample.texts:
        return TextFacts()
    words = _known_words(sample, EmbeddingSettings.model_validate_json(embedding)) if embedding else None
    labels = None
    if settings.label_check != "off":
        labels = find_suspects(sample.texts, sample.labels)
    return TextFacts(
        findings=[f"{TRAIN}: {line}" for line in _findings(words, labels, settings)],
        vocabulary=words[1].to_json() if words else None,
        labels=_shown(labels, sample) if labels else None,
    )


def _known_words(sample: Sample, embedding: EmbeddingSettings) -> tuple[str, KnownWords] | None:
    """The embedding's name and what it knows; None where its language is not known."""
    if embedding.name not in {entry.name for entry in catalog.CATALOG} - {catalog.NONE}:
        return None
    # The downloaded ones of the catalog are English, too: GloVe's words stand for theirs.
    vocabulary = set(glove.words(embedding.vocabulary_size))
    spaced = with_spaces_tf(tf.constant(sample.texts[:_READ_FOR_WORDS]))
    tokens = tokenization.tokens(spaced).flat_values.numpy().tolist()
    return embedding.name, known_words((token.decode("utf-8", "replace") for token in tokens), vocabulary)


def _findings(
    words: tuple[str, KnownWords] | None, labels: LabelCheck | None, settings: CheckSettings
) -> Iterator[str]:
    if words and (line := unknown_language(words[1], embedding=words[0], fewest=settings.min_known_words)):
        yield line
    if labels and settings.label_check == "quarantine span" and too_many(labels, settings):
        yield (
            f"label: {labels.share:.1%} of {labels.examined:,} labels are probably wrong, more than the "
            f"{settings.max_suspect_share:.1%} of check.max_suspect_share; the report names the first. Fix "
            "them, or set check.label_check=report"
        )


def _excerpt(text: str) -> str:
    """The beginning of the text on one line."""
    line = one_line(text)
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[: _SHOWN_CHARACTERS - 1].rstrip()}…"


def _shown(labels: LabelCheck, sample: Sample) -> dict[str, Any]:
    first = [
        {
            "text": _excerpt(sample.texts[one.index]),
            "label": one.label,
            "probability": round(one.probability, 4),
            "span": sample.spans[one.index],
        }
        for one in labels.suspects[:_SHOWN]
    ]
    return {
        "examined": labels.examined,
        "suspects": len(labels.suspects),
        "share": labels.share,
        "right_suspects": labels.right_suspects,
        "contradictions": labels.contradictions,
        "not_judged": labels.not_judged,
        "first": first,
    }

"""Reviews in a language that the embedding does not know stop the run, with what to use instead."""

import base64
import random
import re

import pytest

from components.data_check.settings import CheckSettings
from components.data_check.vocabulary import known_words, script_of, unknown_language
from components.errors import DataStopped
from components.example_gen.sources.packaged import PackagedPart
from components.reviews import to_example

VOCABULARY = {"the", "film", "is", "good"}


@pytest.mark.parametrize(
    ("token", "script"),
    [
        ("film", "LATIN"),
        ("\u597d\u770b", "CJK"),
        ("\u0641\u064a\u0644\u0645", "ARABIC"),
        ("\u0e2b\u0e19\u0e31\u0e07", "THAI"),
        ("\u3072\u3089", "HIRAGANA"),
        ("\ud55c\uad6d", "HANGUL"),
        ("\u0444\u0438\u043b\u044c\u043c", "CYRILLIC"),
        ("\U0001f600", "symbols"),
        ("1990s", "LATIN"),
        ("1990", None),
        ("...", None),
        ("", None),
    ],
)
def test_a_token_has_a_script(token, script):
    assert script_of(token) == script


def test_known_words_are_counted_by_script():
    found = known_words(["the", "film", "...", "1", *["\u597d"] * 3, "zzz"], VOCABULARY)
    assert (found.words, found.known) == (6, 2)
    assert found.by_script == {"LATIN": (3, 2), "CJK": (3, 0)}
    assert found.share is None


def finding(tokens: list[str], fewest: float = 0.3) -> str | None:
    return unknown_language(known_words(tokens, VOCABULARY), embedding="glove-6b-50d", fewest=fewest)


def test_exactly_at_the_limit_nothing_is_wrong():
    assert finding(["film"] * 60 + ["zzz"] * 140) is None
    assert "knows 29.5% of the words" in str(finding(["film"] * 59 + ["zzz"] * 141))
    assert finding(["zzz"] * 200, fewest=0) is None


@pytest.mark.parametrize("tokens", [[], ["..."] * 900, ["zzz"] * 49])
def test_of_few_words_nothing_is_said(tokens):
    assert finding(tokens) is None


@pytest.mark.parametrize(
    ("token", "what", "remedy"),
    [
        (
            "\u597d\u770b",
            "written in CJK, without spaces",
            "Set embedding.name to .*nnlm-zh-dim50",
        ),
        ("\u0e2b", "written in Thai, without spaces", "multilingual TF Hub module"),
        ("\u0641", "most words of these texts are written in Arabic", "multilingual TF Hub module"),
        ("\ud55c", "written in Hangul", "nnlm-ko-dim50"),
        ("\U0001f600", "made of emoji and other symbols", "data.text_column names the column"),
        ("aGVsbG8", "written in Latin", "See that it is text and not encoded data; set embedding.name to"),
    ],
)
def test_a_finding_says_what_it_is_and_what_to_use(token, what, remedy):
    line = str(finding([token] * 300))
    assert "the embedding glove-6b-50d knows 0.0% of the words" in line and what in line
    assert re.search(remedy, line) and "embedding.name=none" in line


def reviews(kind: str) -> list[str]:
    chance = random.Random(1)
    if kind == "base64":
        return [base64.b64encode(chance.randbytes(90)).decode() for _ in range(120)]
    characters = {
        "chinese": range(0x4E00, 0x5E00),
        "thai": range(0x0E01, 0x0E2E),
        "emoji": range(0x1F600, 0x1F640),
    }
    arabic = [chr(code) for code in range(0x0627, 0x064A)]
    if kind == "arabic":
        return [" ".join("".join(chance.choices(arabic, k=5)) for _ in range(30)) for _ in range(120)]
    return ["".join(chr(chance.choice(characters[kind])) for _ in range(60)) for _ in range(120)]


@pytest.mark.parametrize("kind", ["chinese", "thai", "arabic", "emoji", "base64"])
def test_such_reviews_stop_the_run(stages, kind):
    examples = [to_example(text, number % 2) for number, text in enumerate(reviews(kind))]
    made = stages.examples({"train": [examples], "eval": [examples[:20]]})
    with pytest.raises(DataStopped, match=r"train: text: the embedding glove-6b-50d knows \d\.\d% of"):
        stages.verdict(made, embedding="glove-6b-50d")


def test_an_embedding_of_another_language_is_not_asked(stages, tmp_path):
    examples = [to_example(text, number % 2) for number, text in enumerate(reviews("chinese"))]
    made = stages.examples({"train": [examples], "eval": [examples[:20]]})
    assert stages.verdict(made, embedding=str(tmp_path))["vocabulary"] is None


def test_english_reviews_are_known_and_their_labels_looked_at(stages):
    packaged = list(PackagedPart().rows())
    some = random.Random(2).sample(packaged, 700)
    examples = [
        to_example(review.text, 1 - review.label if n < 60 else review.label) for n, review in enumerate(some)
    ]
    made = stages.examples({"train": [examples], "eval": [examples[:20]]})
    verdict = stages.verdict(made, embedding="glove-6b-50d")
    assert verdict["vocabulary"]["share"] > 0.95
    labels = verdict["labels"]
    assert labels["examined"] == 700 and labels["not_judged"] is None
    assert len(labels["first"]) == 20 and labels["first"][0]["probability"] < 0.4
    shown = [one["text"] for one in labels["first"]]
    assert all(len(text) <= 160 and "<br" not in text for text in shown)
    assert any(text.endswith("…") for text in shown)
    stopping = CheckSettings(label_check="quarantine span", max_suspect_share=0.03)
    with pytest.raises(DataStopped, match=r"train: label: \d+\.\d% of 700 labels are probably wrong"):
        stages.verdict(made, stopping)


def test_labels_that_are_not_to_be_looked_at_are_not(stages, reviews_from):
    made = stages.examples({"train": [reviews_from(0, 200)], "eval": [reviews_from(200, 20)]})
    assert stages.verdict(made, CheckSettings(label_check="off"))["labels"] is None
    made.set_string_custom_property("source", "packaged")
    assert stages.verdict(made)["labels"] is None

"""Texts without spaces between words, and n-grams without an embedding, to the exported model."""

import random

import numpy as np
import pytest
import tensorflow as tf

from components.embeddings.settings import EmbeddingSettings
from components.trainer import progress, train
from components.trainer.classifier import signatures
from components.trainer.preparation import prepare
from components.trainer.settings import TrainerSettings

CHINESE = {0: ["难看", "无聊", "失望", "糟糕"], 1: ["好看", "精彩", "感动", "喜欢"]}
ARABIC = {0: ["ممل", "سيئ", "مخيب", "ضعيف"], 1: ["رائع", "جميل", "ممتع", "مؤثر"]}
CHINESE_FILLER = "这部电影的故事我们昨天在家里和朋友一起看了两个小时导演演员音乐画面"
ARABIC_FILLER = [
    "هذا",
    "الفيلم",
    "شاهدته",
    "أمس",
    "مع",
    "أصدقائي",
    "في",
    "البيت",
    "قصة",
    "الموسيقى",
    "المخرج",
]
SETTINGS = TrainerSettings(epochs=8, batch_size=16, learning_rate=0.02, hidden_units=(4,))
NO_EMBEDDING = EmbeddingSettings(name="none")


def chinese(count: int, *, seed: int) -> list[tuple[str, int]]:
    """Made-up reviews: one word that tells the class among characters of both."""
    pick = random.Random(seed)
    made = []
    for number in range(count):
        filler = "".join(pick.choices(CHINESE_FILLER, k=16))
        place = pick.randrange(16)
        made.append((filler[:place] + pick.choice(CHINESE[number % 2]) + filler[place:], number % 2))
    return made


def arabic(count: int, *, seed: int) -> list[tuple[str, int]]:
    pick = random.Random(seed)
    made = []
    for number in range(count):
        words = [*pick.choices(ARABIC_FILLER, k=9), pick.choice(ARABIC[number % 2])]
        pick.shuffle(words)
        made.append((" ".join(words), number % 2))
    return made


@pytest.fixture
def accuracy(write_split, tmp_path, cache_dir):
    """Of the exported model on further reviews, after training with these settings."""

    def of(make, embedding=NO_EMBEDDING, **settings):
        classifier, _ = train.train(
            settings=SETTINGS.model_copy(update=settings),
            embedding_settings=embedding,
            cache_dir=cache_dir,
            train_files=[write_split(make(240, seed=1))],
            eval_files=[write_split(make(80, seed=2))],
        )
        signatures.export(classifier, tmp_path / "model")
        texts, labels = zip(*make(100, seed=3), strict=True)
        answers = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"](
            text=tf.constant(texts)
        )
        return float(np.mean((answers["probability"].numpy() >= 0.5) == np.array(labels)))

    return of


@pytest.fixture
def said(monkeypatch):
    """The lines of the training's progress."""
    lines = []
    monkeypatch.setattr(progress, "report", lines.append)
    return lines


def test_chinese_is_split_into_characters(accuracy, said):
    assert accuracy(chinese) > 0.95
    assert any(
        line.startswith("100% of the letters are of scripts without spaces between words") for line in said
    )


def test_the_embedding_sees_the_characters_too(accuracy, embedding_settings):
    assert accuracy(chinese, embedding_settings) > 0.95


def test_words_between_spaces_do_not_tell_chinese_reviews_apart(accuracy):
    assert accuracy(chinese, tokens="words") < 0.8


def test_arabic_stays_in_words(accuracy, said):
    assert accuracy(arabic) > 0.95
    assert not any("each character is a token" in line for line in said)


@pytest.mark.parametrize(
    ("tokens", "make", "by_character"),
    [
        ("auto", chinese, True),
        ("auto", arabic, False),
        ("words", chinese, False),
        ("characters", arabic, True),
    ],
)
def test_the_setting_decides_and_auto_goes_by_the_texts(write_split, cache_dir, tokens, make, by_character):
    prepared = prepare(
        SETTINGS.model_copy(update={"tokens": tokens}),
        NO_EMBEDDING,
        cache_dir=cache_dir,
        train_files=[write_split(make(20, seed=1))],
        eval_files=[write_split(make(10, seed=2))],
    )
    assert prepared.by_character is by_character
    assert prepared.fresh_classifier(SETTINGS).by_character is by_character

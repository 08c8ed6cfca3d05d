"""scikit-learn classifiers on the texts of a workspace: fitted on `train`, scored on `eval`.

    python -m benchmarks.accuracy.peers WORKSPACE
    python -m benchmarks.accuracy.peers WORKSPACE --fit train,eval --score test
    python -m benchmarks.accuracy.peers WORKSPACE --characters

WORKSPACE is that of a `greenlight run`. The last line printed is JSON: accuracy, macro F1 and seconds of each
fit, from text to model. NB-SVM is for two classes only. `--characters`, for texts without spaces, is TF-IDF
of one to three characters.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from components import reviews

Classify = Callable[[list[str]], np.ndarray]
"""Texts to labels, int [N]."""


def tfidf_regression(texts: list[str], labels: np.ndarray) -> Classify:
    # The pairs of words of twenty classes make 40 million weights, which took over ten minutes.
    longest = 2 if labels.max() == 1 else 1
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, longest)), LogisticRegression(C=30, max_iter=1000))
    return model.fit(texts, labels).predict


def tfidf_of_characters(texts: list[str], labels: np.ndarray) -> Classify:
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3))
    return make_pipeline(vectorizer, LogisticRegression(C=30, max_iter=1000)).fit(texts, labels).predict


def nb_svm(texts: list[str], labels: np.ndarray) -> Classify:
    """Wang and Manning, Baselines and Bigrams (2012): binary counts, weighed by a naive Bayes ratio."""
    counts = CountVectorizer(ngram_range=(1, 2), binary=True)
    held = counts.fit_transform(texts)
    positive, negative = (1 + held[labels == label].sum(axis=0).A1 for label in (1, 0))
    ratio = np.log(positive / positive.sum()) - np.log(negative / negative.sum())
    machine = LinearSVC(C=0.1).fit(held.multiply(ratio).tocsr(), labels)
    return lambda others: machine.predict(counts.transform(others).multiply(ratio).tocsr())


PEERS = {"TF-IDF, logistic regression": tfidf_regression, "NB-SVM": nb_svm}
OF_CHARACTERS = {"TF-IDF of characters, logistic regression": tfidf_of_characters}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="scikit-learn classifiers on the texts of a workspace.")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--fit", default="train", help="the splits to fit on, such as train,eval")
    parser.add_argument("--score", default="eval", help="the split to score on")
    parser.add_argument("--characters", action="store_true", help="features of characters instead of words")
    given = parser.parse_args(arguments)
    texts, labels = read(given.workspace, *given.fit.split(","))
    scored_texts, truth = read(given.workspace, given.score)
    found = {}
    for name, fit in (OF_CHARACTERS if given.characters else PEERS).items():
        if name == "NB-SVM" and labels.max() > 1:
            continue
        started = time.perf_counter()
        classify = fit(texts, labels)
        seconds = time.perf_counter() - started
        answers = classify(scored_texts)
        found[name] = {
            "accuracy": float(np.mean(answers == truth)),
            "macro F1": float(f1_score(truth, answers, average="macro")),
            "seconds": seconds,
        }
    print(json.dumps(found))


def read(workspace: Path, *splits: str) -> tuple[list[str], np.ndarray]:
    """The texts and the labels, int [N], of these splits of the newest Examples."""
    newest = max(workspace.glob("artifacts/*ExampleGen/examples/*"), key=lambda folder: int(folder.name))
    files = [str(file) for split in splits for file in sorted(newest.glob(f"Split-{split}/*"))]
    texts: list[str] = []
    labels = []
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(1024):
        parsed = tf.io.parse_example(batch, reviews.feature_spec())
        texts += [text.decode("utf-8", "replace") for text in parsed[reviews.TEXT].numpy()]
        labels.append(parsed[reviews.LABEL].numpy())
    return texts, np.concatenate(labels)


if __name__ == "__main__":
    main()

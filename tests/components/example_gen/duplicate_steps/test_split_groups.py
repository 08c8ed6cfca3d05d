"""Copies of a review end up in one split, whatever was done to their markup; the others stay."""

import csv
import random
from collections import Counter

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from components.example_gen import splits
from components.example_gen.beam_steps import ReadPart, Row
from components.example_gen.duplicate_steps.span_copies import without_span_duplicates
from components.example_gen.duplicate_steps.split_groups import PlanGroups, grouped_row
from components.example_gen.duplicates.groups import GroupedRow, group_splits
from components.example_gen.duplicates.sketches import sketch
from components.example_gen.settings import DataSettings
from components.reviews import canonical, canonical_key, normalize, text_key

MARKUP = {
    "entity": lambda text: (
        text.replace("'", "&#39;").replace(" and ", " &amp; ", 1).replace("&amp;", "and", 1)
    ),
    "double entity": lambda text: text.replace('"', "&amp;quot;").replace("'", "&amp;#39;"),
    "paragraphs": lambda text: f"<p>{text.replace('<br /><br />', '</p><p>')}</p>",
    "emphasis": lambda text: text.replace(" ", " <i>", 1).replace(" ", "</i> ", 3).replace("</i> ", " ", 2),
    "byte order mark": lambda text: f"\N{ZERO WIDTH NO-BREAK SPACE}{text}",
    "zero-width space": lambda text: text.replace(" ", " \N{ZERO WIDTH SPACE}", 3),
    "soft hyphen": lambda text: text.replace("e", "e\N{SOFT HYPHEN}", 2),
    "curly quotes": lambda text: text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}").replace(
        '"', "\N{LEFT DOUBLE QUOTATION MARK}"
    ),
    "dashes": lambda text: text.replace("-", "\N{EN DASH}"),
    "final punctuation": lambda text: text.rstrip(".!?") + "\N{HORIZONTAL ELLIPSIS}",
    "no final punctuation": lambda text: text.rstrip(".!? "),
    "quoted as a whole": lambda text: f'"{text}"',
    "space": lambda text: text.replace(" ", "\N{NO-BREAK SPACE}\n"),
    "upper case": str.upper,
    "full width": lambda text: text.replace("A", "\N{FULLWIDTH LATIN CAPITAL LETTER A}"),
}


@pytest.fixture(scope="module")
def pairs(real_reviews) -> list[tuple[str, str, int]]:
    """300 reviews, each with a version of it in other markup."""
    few = real_reviews[:150] + real_reviews[-150:]
    names = list(MARKUP)
    return [
        (review.text, MARKUP[names[index % len(names)]](review.text), review.label)
        for index, review in enumerate(few)
    ]


@pytest.mark.parametrize("name", MARKUP)
def test_a_person_would_call_it_the_same_text(real_reviews, name):
    for review in real_reviews[::7]:
        assert canonical(MARKUP[name](review.text)) == canonical(review.text)


def split_of_texts(generated) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for split in generated.splits:
        for text, _ in generated.reviews(split):
            found.setdefault(text, set()).add(split)
    return found


def hashed_split(text: str) -> str:
    settings = DataSettings()
    return splits.splitter(settings).split_of(splits.digest(normalize(text), salt=settings.split_salt))


def test_no_pair_straddles_splits_and_reviews_without_a_copy_stay(generate, write_csv, pairs):
    alone = [(text, label) for text, _, label in pairs[200:]]
    rows = [(text, label) for one, other, label in pairs[:200] for text in (one, other)]
    apart = sum(hashed_split(one) != hashed_split(other) for one, other, _ in pairs[:200])
    assert apart > 50
    source = f"files:{write_csv('a.csv', rows + alone)}"
    made = generate(DataSettings(source=source, near_duplicates="off"))
    found = split_of_texts(made)
    for one, other, _ in pairs[:200]:
        assert found[one] == found[other]
        assert found[one] <= {hashed_split(one), hashed_split(other)}
    assert {text: found[text] for text, _ in alone} == {text: {hashed_split(text)} for text, _ in alone}
    assert made.reading["sameness"]["texts"] == 300
    assert made.reading["sameness"]["copies"] == 200
    assert made.reading["sameness"]["apart"] == apart


def test_neither_order_nor_files_nor_bundles_decide(generate, tmp_path, pairs):
    rows = [(text, label) for one, other, label in pairs[:80] for text in (one, other)]
    found = []
    for name, files in (("one", 1), ("three", 3)):
        chance = random.Random(files)
        mixed = chance.sample(rows, len(rows))
        (tmp_path / name).mkdir()
        for number in range(files):
            with (tmp_path / name / f"{number}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("text", "label"), *mixed[number::files]])
        found.append(split_of_texts(generate(DataSettings(source=f"files:{tmp_path / name}/*.csv"))))
    assert found[0] == found[1]


@pytest.mark.parametrize(("setting", "together"), [("keep together", True), ("count", False), ("off", False)])
def test_near_duplicates_go_together_where_that_is_asked_for(
    generate, write_csv, real_reviews, setting, together
):
    long = [review for review in real_reviews if len(review.text.split()) > 150][:60]
    rows = [
        (text, review.label)
        for review in long
        for text in (review.text, review.text.replace(" the ", " that ", 1) + " Really.")
    ]
    made = generate(DataSettings(source=f"files:{write_csv('a.csv', rows)}", near_duplicates=setting))
    found = split_of_texts(made)
    both = zip(rows[::2], rows[1::2], strict=True)
    straddling = sum(found[one] != found[other] for (one, _), (other, _) in both)
    assert (straddling == 0) is together
    account = made.reading["sameness"]
    assert account.get("near_duplicates", 0) == (0 if setting == "off" else 120)
    if setting != "off":
        assert account["apart"] > 10
    if setting == "count":
        assert account["apart"] == straddling


def test_new_spans_follow_older_ones(generate, tmp_path, pairs):
    for span, column in ((1, 0), (2, 1)):
        folder = tmp_path / f"span-{span}"
        folder.mkdir()
        with (folder / "a.csv").open("w", newline="", encoding="utf-8") as file:
            rows = [(f"{pair[column]} {'Truly.' if span == 2 else ''}", pair[2]) for pair in pairs[:60]]
            csv.writer(file).writerows([("text", "label"), *rows])
    first = split_of_texts(generate(DataSettings(source=f"files:{tmp_path}/span-{{SPAN}}/*.csv", span=1)))
    both = split_of_texts(generate(DataSettings(source=f"files:{tmp_path}/span-{{SPAN}}/*.csv")))
    for one, other, _ in pairs[:60]:
        if len(canonical(one).split()) > 30:
            assert both[f"{one} "] == first[f"{one} "] == both[f"{other} Truly."]


def test_a_later_spans_copy_in_other_markup_replaces_the_earlier_one(generate, tmp_path, pairs):
    for span, column in ((1, 0), (2, 1)):
        (tmp_path / f"span-{span}").mkdir()
        with (tmp_path / f"span-{span}/a.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label"), *((pair[column], pair[2]) for pair in pairs[:40])])
    made = generate(DataSettings(source=f"files:{tmp_path}/span-{{SPAN}}/*.csv"))
    assert {text for text, _ in made.all_reviews()} == {pair[1] for pair in pairs[:40]}
    assert made.reading["set_aside"] == 40


@pytest.mark.parametrize("together", [True, False])
def test_shards_give_what_one_list_of_all_rows_gives(real_reviews, tmp_path, together):
    """Copies and near-duplicates, of several spans, some with a fixed split, in batches of any rows."""
    chance = random.Random(3)
    texts = [review.text for review in real_reviews[:150]]
    texts += [text.replace(" the ", f" {chance.choice(['that', 'this'])} ", 2) for text in texts[:60]]
    texts += [markup(text) for text, markup in zip(texts, [*MARKUP.values()] * 4, strict=False)]
    settings = DataSettings()
    rows = []
    for text in texts:
        same, digest = canonical(text), splits.digest(normalize(text), salt=settings.split_salt)
        split = splits.splitter(settings).split_of(digest)
        marks = {"key": canonical_key(same), "fixed": chance.random() < 0.1, "sketch": sketch(same)}
        rows.append(Row(digest, split, text.encode(), chance.randrange(3), **marks))
    chance.shuffle(rows)
    batches = [rows[at : at + 7] for at in range(0, len(rows), 7)]
    expected = group_splits(map(grouped_row, rows), near_together=together)
    assert min(expected.account[name] for name in ("copies", "near_duplicates", "apart")) > 20

    with beam.Pipeline() as pipeline:
        planned = pipeline | beam.Create(batches) | PlanGroups(near_together=together)
        assert_that(planned, equal_to([expected]))


@pytest.fixture
def between_readings(monkeypatch):
    """Does the first thing before the first reading of a part, and the second one before the second."""

    def prepared(*things):
        held_out, left = ReadPart._held_out, list(things)

        def do(self, part):
            left.pop(0)()
            return held_out(self, part)

        monkeypatch.setattr(ReadPart, "_held_out", do)
        return left

    return prepared


def test_a_file_that_is_another_one_at_the_second_reading_is_refused(generate, write_csv, between_readings):
    """Also where no driver has made a fingerprint."""
    path = write_csv("a.csv", [("fine", 1), ("dull", 0)])
    left = between_readings(lambda: None, lambda: path.write_text("text,label\nfine,0\ndull,1\n"))
    with pytest.raises(
        Exception, match=r"a\.csv was written to while it was read, so nothing of it was kept"
    ):
        generate(DataSettings(source=f"files:{path}"))
    assert not left


def test_a_file_that_is_not_there_at_the_first_reading_is_missing(generate, write_csv, between_readings):
    path = write_csv("a.csv", [("fine", 1), ("dull", 0)])
    aside = path.with_suffix(".aside")
    left = between_readings(lambda: path.rename(aside), lambda: aside.rename(path))
    with pytest.raises(Exception, match=r"a\.csv"):
        generate(DataSettings(source=f"files:{path}"))
    assert not left


def row(key: str, split: str, *, span: int = 1, fixed: bool = False, rank: str = "") -> GroupedRow:
    return GroupedRow(not fixed, span, (rank or key + split).encode(), split, key.encode(), b"")


def test_a_fixed_row_leads_and_is_never_moved():
    rows = [row("a", "test", span=9, fixed=True), row("a", "train"), row("a", "eval", fixed=True, span=10)]
    made = group_splits(rows, near_together=True)
    assert made.splits == {b"a": "test"}
    assert made.account["apart"] == 1


def test_the_oldest_span_leads_then_the_lowest_rank():
    assert group_splits([row("a", "test", span=2), row("a", "train", span=1)], near_together=True).splits == {
        b"a": "train"
    }
    rows = [row("a", "train", rank="2"), row("a", "test", rank="1")]
    assert (
        group_splits(rows, near_together=True).splits
        == group_splits(rows[::-1], near_together=True).splits
        == {b"a": "test"}
    )


@pytest.mark.parametrize("variants", [2, 5])
def test_groups_are_shared_out_by_the_same_weights_as_single_reviews(variants):
    """If the lowest hash led, 4 % of the pairs and 0.03 % of the groups of five would be in test."""
    settings = DataSettings()
    splitter, rows = splits.splitter(settings), []
    for number in range(3_000):
        for variant in range(variants):
            digest = splits.digest(f"review {number} {variant}", salt=settings.split_salt)
            key, split = str(number).encode(), splitter.split_of(digest)
            rows.append(Row(digest, split, b"", 0, key=key))
    changed = group_splits(map(grouped_row, rows), near_together=True).splits
    found = Counter({row.key: changed.get(row.key, row.split) for row in rows}.values())
    assert found["train"] == pytest.approx(1_800, abs=100)
    assert found["eval"] == pytest.approx(600, abs=80)
    assert found["test"] == pytest.approx(600, abs=80)


def test_where_nothing_is_apart_nothing_moves():
    made = group_splits([row("a", "train"), row("a", "train"), row("b", "test")], near_together=True)
    assert made.splits == {}
    assert made.account == Counter(texts=2, copies=1)


def test_what_most_reviews_have_in_common_is_a_template(generate, write_csv):
    """Generated reviews with a number each would otherwise all be in one split."""
    filler = " ".join(f"filler{at}" for at in range(60))
    rows = [(f"{filler} number {at}", at % 2) for at in range(300)]
    made = generate(DataSettings(source=f"files:{write_csv('a.csv', rows)}"))
    assert made.reading["sameness"] == {"template": 300, "texts": 300}
    assert all(made.reviews(split) for split in made.splits)


def test_copies_are_told_by_the_key_of_the_text():
    from components.example_gen.beam_steps import Row

    old, new = (
        Row(digest, "train", digest, span, text_key("A film.")) for digest, span in ((b"1", 1), (b"2", 2))
    )
    assert without_span_duplicates([old, new]) == [new]

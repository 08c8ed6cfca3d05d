"""Labels: spellings, scales, and the advice where a file has other values."""

import pytest
from label_advice import advice

from components.example_gen.formats.labels import LabelRule, found_labels, looks_like_scale, remedy, spelling
from components.example_gen.formats.rows import BadRow, Reason, Review, make_row

RULE = LabelRule((("1", "negative"), ("2", "negative"), ("4", "positive"), ("Top", "positive")))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1.0", 1), ("0.0", 0), (" 1 ", 1), ("1,0", 1), ("01", 1), ("+1", 1), ("-0", 0), (1.0, 1), (0.0, 0),
        (True, 1), ("NEG\u00a0", 0), ("\ufeffPositive", 1), ("tRuE", 1),
        ("2", None), ("-1", None), ("0.5", None), (0.5, None), (2, None), ("", None), ("yes", None),
        (float("nan"), None), (float("inf"), None), (None, None), ([1], None), ("1.0.0", None),
        ("\u0661", None),
    ],
)  # fmt: skip
def test_what_a_value_means(value, expected):
    assert LabelRule().class_of(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", 0), (2.0, 0), ("4.0", 1), (" TOP", 1), ("3", None), ("positive", 1), ("pos", None), (0, None)],
)
def test_a_rule_of_ones_own_knows_its_labels_and_the_names_of_the_classes(value, expected):
    assert RULE.class_of(value) == expected


def test_a_rule_may_give_the_name_of_a_class_another_meaning():
    rule = LabelRule((("positive", "negative"), ("clear", "positive")))
    assert [rule.class_of(label) for label in ("positive", "clear", "negative")] == [0, 1, 0]


@pytest.mark.parametrize(
    "value", [None, "", " ", "\u00a0", "nan", "NaN", "NULL", "<NA>", "n/a", float("nan")]
)
def test_a_programs_words_for_no_value_are_no_label(value):
    row = make_row(file="a.csv", line=2, text="fine", label=value)
    assert isinstance(row, BadRow) and row.reason is Reason.NO_LABEL


def test_a_rule_of_ones_own_may_use_such_a_word():
    rule = LabelRule((("N/A", "negative"), ("ok", "positive")))
    assert make_row(file="a.csv", line=2, text="fine", label="n/a", labels=rule) == Review(2, "fine", 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1,000", "1000"), ("-12,345,678", "-12345678"), ("1,0", "1"), ("1,00", "1"), ("1.000", "1"),
        ("0,000", "0"), ("1,000000", "1"), ("1234,000", "1234"),
    ],
)  # fmt: skip
def test_a_comma_before_three_digits_parts_thousands(value, expected):
    assert spelling(value) == expected


def test_thousands_are_steps_of_a_scale():
    assert LabelRule().class_of("1,000") is None
    assert looks_like_scale({}, {"1,000": 3, "2,000": 3})
    assert '"1,000" = "negative", "2,000" = "positive"' in advice({}, {"2,000": 3, "1,000": 3})


def test_numbers_of_any_length_are_spelled_without_being_computed():
    assert spelling("9" * 10_000) == "9" * 10_000


@pytest.mark.parametrize(
    ("classes", "others"),
    [
        ({"negative": 80, "positive": 79}, {"2": 81}),
        ({"negative": 20, "positive": 20}, {"2": 20, "3": 20, "4": 20}),
        ({"positive": 20}, {"2": 20, "3": 20, "4": 20, "5": 20}),
        ({"positive": 20}, {"-1": 20}),
        ({"positive": 5}, {"0.5": 2}),
        ({"negative": 80, "positive": 79}, {"neutral": 3}),
        ({}, {"3": 2}),
        ({"negative": 500, "positive": 499}, {"2": 3}),
        ({"negative": 80, "positive": 79}, {"very positive": 40, "somewhat negative": 41}),
        ({}, {"1 star": 40, "5 stars": 41}),
        ({}, {"1/10": 40, "9/10": 41}),
        ({"negative": 80}, {r"\u2605\u2605": 40}),
    ],
)
def test_values_beside_those_of_two_classes_look_like_a_scale(classes, others):
    assert looks_like_scale(classes, others)


@pytest.mark.parametrize(
    ("classes", "others"),
    [
        ({"negative": 80, "positive": 79}, {}),
        ({"negative": 80, "positive": 79}, {"11": 1}),  # a slip of the pen
        ({"negative": 80, "positive": 79}, {"maybe": 10}),
        ({}, {"good": 50, "bad": 50}),
        ({"negative": 5_000, "positive": 5_000}, {"2": 3}),
    ],
)
def test_slips_and_words_do_not(classes, others):
    assert not looks_like_scale(classes, others)


@pytest.mark.parametrize(
    ("classes", "others", "words"),
    [
        (
            {"negative": 80, "positive": 79},
            {"2": 81},
            'These look like a scale: 0 (80), 1 (79), 2 (81). Say which of them are negative and which '
            'positive, for example data.labels = {"0" = "negative", "2" = "positive"}; rows with other '
            "labels are then left out and counted.",
        ),
        (
            {"positive": 2},
            {"5": 2, "3": 2, "4": 2, "2": 2},
            'data.labels = {"1" = "negative", "2" = "negative", "4" = "positive", "5" = "positive"}',
        ),
        (
            {"negative": 9, "positive": 8},
            {"neutral": 7},
            'negative (9), positive (8), neutral (7). Say which of them are negative and which positive, for '
            'example data.labels = {"negative" = "negative", "positive" = "positive"}',
        ),
        (
            {"negative": 9, "positive": 8},
            {"neutral": 7, "very negative": 6, "very positive": 5},
            'data.labels = {"negative" = "negative", "very negative" = "negative", "positive" = "positive", '
            '"very positive" = "positive"}',
        ),
        (
            {},
            {"5 stars": 2, "3 stars": 2, "1 stars": 2},
            '1 stars (2), 3 stars (2), 5 stars (2). Say which of them are negative and which positive, for '
            'example data.labels = {"1 stars" = "negative", "5 stars" = "positive"};',
        ),
        ({}, {"100%": 9, "20%": 9}, 'data.labels = {"20%" = "negative", "100%" = "positive"};'),
        ({}, {"happy": 9, "sad": 9}, 'data.labels = {"sad" = "negative", "happy" = "positive"};'),
        ({}, {"fresh": 9, "rotten": 9}, 'data.labels = {"rotten" = "negative", "fresh" = "positive"};'),
        (
            {},
            {r"\U0001f44d": 9, r"\U0001f44e": 9},
            'data.labels = {"\U0001f44e" = "negative", "\U0001f44d" = "positive"};',
        ),
        (
            {},
            {"spam": 9, "ham": 5},
            'data.classes = ["ham", "spam"] in greenlight.toml',
        ),
        ({}, {"a": 1, "b": 1, "c": 1}, 'a class of its own, set data.classes = ["a", "b", "c"] in greenl'),
        ({}, {f"v{n:02}": 1 for n in range(30)}, "v11 (1), and 18 more. If each is a class of its own"),
        ({}, {f"v{n:02}": 1 for n in range(51)}, 'for example data.labels = {"A" = "negative", "B" = "po'),
    ],
)  # fmt: skip
def test_the_advice_shows_the_values_and_offers_a_mapping(classes, others, words):
    told = advice(classes, others)
    assert words in told
    assert "max_bad_share" not in told


@pytest.mark.parametrize(
    ("others", "mapping"),
    [
        ({"2": 5, "3": 5, "5": 9}, '"1" = "negative", "2" = "negative", "5" = "positive"'),
        ({"2": 5, "4": 9}, '"0" = "negative", "1" = "negative", "4" = "positive"'),
        (
            {"10": 9, "9": 5, "2": 5},
            '"1" = "negative", "2" = "negative", "9" = "positive", "10" = "positive"',
        ),
    ],
)
def test_the_middle_of_a_scale_is_neither_though_not_all_steps_are_there(others, mapping):
    classes = {"positive": 4} | ({"negative": 4} if "4" in others else {})
    assert f"data.labels = {{{mapping}}}" in advice(classes, others)


ONLY_TWO = 'leave it out: data.labels = {"0" = "negative", "1" = "positive"}.'


@pytest.mark.parametrize(
    ("others", "left_out"),
    [
        ({"2": 4}, "2"),
        ({"2": 3, "11": 2}, "2, 11"),
        ({"-1": 500}, "-1"),
        ({"2": 6}, ""),
        ({"-1": 9, "2": 9}, ""),
    ],
)
def test_0_and_1_may_be_meant_where_the_others_are_few_or_minus_1(others, left_out):
    told = advice({"negative": 60, "positive": 59}, others)
    assert (ONLY_TWO in told) == bool(left_out)
    assert f"If {left_out} is an error, or means that there is no label" in told or not left_out


def test_a_mapping_of_the_two_classes_alone_is_not_offered_twice():
    told = advice({"negative": 60, "positive": 59}, {"mixed": 2})
    assert told.count("data.labels") == 1


def test_measurements_are_not_mapped_one_by_one():
    told = advice({}, {f"0.{number}": 1 for number in range(11, 60)} | {"others": 90})
    assert told.endswith("by a limit of your own, and write 0 or 1 as the label of each row.")


def test_labels_are_shown_as_the_file_has_them():
    assert advice({}, {r"\u597d\u8bc4": 5, r"\u5dee\u8bc4": 4}).startswith(
        "The labels are: \u597d\u8bc4 (5), "
    )
    assert r"odd\x1b (5)" in advice({}, {r"odd\x1b": 5, "even": 4})


def test_a_rare_label_counts_by_its_share_of_all_rows():
    assert not looks_like_scale({"positive": 2999}, {"3": 3, "x": 2})
    assert looks_like_scale({"positive": 2995}, {"3": 3, "x": 2})


def test_labels_that_are_neither_texts_nor_numbers_are_not_listed():
    given = {"negative": 0, "positive": 0}, {}
    assert found_labels(*given) == "None of the labels is a text or a number."
    assert remedy(*given) == "Write one text or one number as the label of each row."


def test_words_are_not_called_a_scale():
    assert advice({}, {"good": 5, "dull": 5}).startswith("The labels are: dull (5), good (5). ")
    assert advice({"positive": 5}, {"2": 5, "3": 5}).startswith(
        "These look like a scale: 1 (5), 2 (5), 3 (5). "
    )


def test_what_is_not_finite_is_not_a_label():
    assert [spelling(value) for value in (float("nan"), float("inf"), float("-inf"))] == [None] * 3


def test_with_classes_of_ones_own_the_advice_is_in_their_names_and_can_be_followed():
    told = advice({"ham": 30, "spam": 29}, {"other": 31}, ("ham", "spam"))
    assert told.startswith("The labels are: other (31), ham (30), spam (29). The classes are ham and spam ")
    assert 'data.labels = {"ham" = "ham", "spam" = "spam"} in greenlight.toml' in told
    assert "negative" not in told and "positive" not in told
    rule = LabelRule((("ham", "ham"), ("spam", "spam")), ("ham", "spam"))
    assert [rule.class_of(label) for label in ("ham", "spam", "other")] == [0, 1, None]

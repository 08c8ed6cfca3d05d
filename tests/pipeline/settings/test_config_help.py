"""What `greenlight config explain` says of each setting."""

import pytest

from pipeline.config import Settings
from pipeline.settings.errors import suggest
from pipeline.settings.help import explain, explain_all, find, sections, settings_of, show_value

LONGEST_LINE = 150


@pytest.mark.parametrize("key", settings_of(Settings))
def test_every_setting_has_a_description_and_a_kind(key):
    setting = find(Settings, key)
    assert setting.description.endswith((".", "!")), f"{key}: {setting.description!r}"
    assert setting.kind
    assert "a value" not in setting.kind


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("trainer.epochs", "a whole number from 1 to 100000"),
        ("trainer.learning_rate", "a number above 0 and of at most 10"),
        ("trainer.early_stopping", "true or false"),
        ("trainer.monitor", 'one of "val_loss", "val_accuracy", "loss", "accuracy"'),
        ("trainer.hidden_units", "a list, each entry a whole number from 1 to 65536"),
        ("gate.min_accuracy", 'a number from 0 to 1, or "off"'),
        ("gate.slices", "a table, each value a number from 0 to 1"),
        ("data.limit", "a whole number of at least 1, or unset"),
        ("data.source", "text"),
        ("workspace", "a path"),
        ("cache_dir", "a path, or unset"),
    ],
)
def test_a_kind_is_said_in_words(key, kind):
    assert find(Settings, key).kind == kind


def test_the_page_of_a_key_shows_kind_default_and_both_ways_to_set_it():
    assert explain(find(Settings, "trainer.batch_size")).splitlines() == [
        "trainer.batch_size",
        "  Examples in one optimizer step.",
        "",
        "  is         a whole number from 1 to 1000000",
        "  default    512",
        "  once       --set trainer.batch_size=512",
        "  in a file  [trainer]",
        "             batch_size = 512",
    ]


def test_the_page_of_a_key_that_may_be_unset_says_how():
    assert "  unset it   --set data.limit=none" in explain(find(Settings, "data.limit")).splitlines()


def test_the_page_of_a_text_needs_no_quotes_on_the_command_line():
    lines = explain(find(Settings, "workspace")).splitlines()
    assert "  once       --set workspace=workspace" in lines
    assert '  in a file  workspace = "workspace"' in lines


def test_the_list_has_every_key_once_under_its_section():
    lines = explain_all(settings_of(Settings).values()).splitlines()
    keys = [line.split()[0] for line in lines if line.startswith("  ")]
    assert keys == list(settings_of(Settings))
    assert [line[1:-1] for line in lines if line.startswith("[")] == sections(Settings)


@pytest.mark.parametrize("key", settings_of(Settings))
def test_a_line_of_the_list_is_a_whole_sentence_that_says_what_the_setting_is(key):
    setting = find(Settings, key)
    said = explain_all([setting]).splitlines()[-1].split(f"{setting.default_text:<18} ", 1)[1]
    assert said.endswith((".", "!")), "cut within a sentence"
    assert setting.description.removeprefix(said)[:1] in ("", " ")
    assert len(said) <= LONGEST_LINE, "the first sentence is for the list: say the details in a second one"
    assert not said.startswith("`"), "it explains a value before it says what the setting is"


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("trainer.epoch", "trainer.epochs"),
        ("epochs", "trainer.epochs"),
        ("traner.batch_size", "trainer.batch_size"),
        ("infr.batch_size", "infra.batch_size"),
        ("min_acuracy", "gate.min_accuracy"),
        ("gat", "gate"),
    ],
)
def test_a_typo_finds_what_was_meant(typo, meant):
    assert suggest(Settings, typo) == f"Did you mean {meant}?"


def test_values_are_shown_as_toml_writes_them_and_cut_to_a_line():
    assert show_value({"a": True, "b": [1, "x"]}) == '{ a = true, b = [1, "x"] }'
    assert show_value({}) == "{}"
    assert show_value(float("nan")) == "nan"
    assert len(show_value("x" * 500)) == 80

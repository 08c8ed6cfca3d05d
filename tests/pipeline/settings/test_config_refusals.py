"""What settings are refused, and in which words: key, value, where it was set, remedy."""

import pytest
from refusals import input_error

from components.errors import InputError
from components.evaluator.settings import SLICES
from pipeline.config import load


def refusal(*assignments, **layers):
    return input_error(load, assignments=assignments, **layers)


@pytest.mark.parametrize(
    ("assignment", "named", "words"),
    [
        (
            "trainer.epochs=abc",
            'trainer.epochs = "abc"',
            "expected a whole number from 1 to 100000; the default is 40.",
        ),
        ("trainer.epochs=3.0", "trainer.epochs = 3.0", "expected a whole number"),
        ("trainer.epochs=true", "trainer.epochs = true", "expected a whole number"),
        ("trainer.epochs=", 'trainer.epochs = ""', "may not be empty; expected a whole number"),
        ("trainer.epochs.x=1", "trainer.epochs = { x = 1 }", "expected a whole number"),
        ("trainer.epochs=3\nfoo=4", 'trainer.epochs = "3\\nfoo=4"', "expected a whole number"),
        ("trainer.batch_size=0", "trainer.batch_size = 0", "expected a whole number from 1 to 1000000"),
        ("trainer.patience=-1", "trainer.patience = -1", "expected a whole number of at least 0"),
        (
            "trainer.learning_rate=nan",
            "trainer.learning_rate = nan",
            "not a finite number; expected a number",
        ),
        ("trainer.learning_rate=-inf", "trainer.learning_rate = -inf", "not a finite number"),
        ("trainer.learning_rate=1e999", "trainer.learning_rate = inf", "not a finite number"),
        (
            "trainer.early_stopping=True",
            'trainer.early_stopping = "True"',
            "expected true or false; the default",
        ),
        ("trainer.early_stopping=1", "trainer.early_stopping = 1", "expected true or false"),
        ("trainer.monitor=f1", 'trainer.monitor = "f1"', 'expected one of "val_loss", "val_accuracy"'),
        ("trainer.hidden_units=[0]", "trainer.hidden_units[0] = 0", "expected greater than or equal to 1;"),
        (
            "gate.min_accuracy=1.5",
            "gate.min_accuracy = 1.5",
            'expected a number from 0 to 1, or "off"; the default',
        ),
        (f"gate.slices.{SLICES[0]}=2", f"gate.slices.{SLICES[0]} = 2", "expected less than or equal to 1;"),
        ("gate.slices.x=0.5", "gate.slices.x", 'no slice is called "x": give '),
        ("data.source=csv", 'data.source = "csv"', "expected packaged, tfds, spans or files:PATTERN"),
        ("workspace=", 'workspace = ""', 'may not be empty; expected a path; the default is "workspace".'),
        ("workspace= ", 'workspace = ""', "may not be empty"),
        ("workspace=a\0b", 'workspace = "a\\u0000b"', "holds bytes that are not text"),
        ("workspace=\udcff", 'workspace = "\udcff"', "holds bytes that are not text"),
        ("workspace=gs://b/a", 'workspace = "gs://b/a"', "expected a folder on this machine, not an address"),
        (
            "serve.request_log_dir=s3://b/a",
            'serve.request_log_dir = "s3://b/a"',
            "expected a folder on this machine, not an address",
        ),
        (
            "push.serving_root=hdfs://b/a",
            'push.serving_root = "hdfs://b/a"',
            "expected a folder, s3://BUCKET/PATH or gs://BUCKET/PATH",
        ),
        (
            "workspace=~no.one/a",
            'workspace = "~no.one/a"',
            "Could not determine home directory; write the path out",
        ),
        ("model_name=a/b", 'model_name = "a/b"', "expected text of the form"),
        (
            "data.threshold=1",
            "data.threshold = 1",
            "expected a number above 0 and below 1, or a table with recall_at_precision, precision_at_recall"
            "; the default is 0.5.\n`greenlight config explain data.threshold` says more.",
        ),
        (
            "data.threshold={recall_at_precision=2}",
            "data.threshold.recall_at_precision = 2",
            "expected less than or equal to 1; the default of data.threshold is 0.5.",
        ),
        (
            "data.threshold={recall=0.9}",
            "data.threshold.recall = 0.9",
            "there is no such key; expected a number above 0 and below 1, or a table with ",
        ),
        (
            "data.threshold={recall_at_precision=0.9, precision_at_recall=0.8}",
            "data.threshold = { recall_at_precision = 0.9, precision_at_recall = 0.8 }",
            "expected one aim: recall_at_precision or precision_at_recall;",
        ),
        ("data.threshold={}", "data.threshold = {}", "expected one aim: recall_at_precision or "),
        ("data.classes=5", "data.classes = 5", 'expected a list, each entry text, or "auto", or unset;'),
        ('data.classes=["a", 5]', "data.classes[1] = 5", "expected a valid string;"),
        (
            "gate.min_balanced_accuracy=3",
            "gate.min_balanced_accuracy = 3",
            'expected a number from 0 to 1, or "chance", or "off"; the default is "chance".',
        ),
        ("beam.workers=0", "beam.workers = 0", "expected a whole number from 1 to 1024"),
        ('beam.options=["x"]', 'beam.options[0] = "x"', "String should match"),
        ("trainer=3", "trainer = 3", "trainer is a section. Set its keys, such as trainer.module."),
        ("trainer.epoch=3", "trainer.epoch = 3", "there is no such setting. Did you mean trainer.epochs?"),
        ("trainr.epochs=3", "trainr.epochs = 3", "there is no such setting. Did you mean trainer.epochs?"),
        ("epochs=3", "epochs = 3", "there is no such setting. Did you mean trainer.epochs?"),
        ("x=1", "x = 1", "there is no such setting. `greenlight config explain` lists all."),
    ],
)
def test_a_mistake_is_named_with_key_value_and_remedy(assignment, named, words):
    assert refusal(assignment).startswith(f"{named} (from --set): {words}")


def test_each_mistake_in_a_value_of_several_types_is_a_line():
    lines = refusal("data.threshold={recall_at_precision=2, precision_at_recall=8}").splitlines()
    assert lines[0] == "2 settings cannot be used:"
    assert [line.split(" (from")[0] for line in lines[1:3]] == [
        "  data.threshold.recall_at_precision = 2",
        "  data.threshold.precision_at_recall = 8",
    ]


@pytest.mark.parametrize("text", ["trainer.epochs", "=3", "trainer..epochs=3", ""])
def test_an_assignment_without_key_or_value_is_shown_the_right_form(text):
    assert refusal(text) == f"--set {text!r} is not KEY=VALUE. Write it like --set trainer.epochs=10."


def test_a_single_mistake_says_where_to_read_more():
    assert refusal("trainer.epochs=0").endswith("\n`greenlight config explain trainer.epochs` says more.")


def test_all_mistakes_are_named_at_once():
    assert refusal("trainer.batch_size=0", "gate.min_examples=0").splitlines() == [
        "2 settings cannot be used:",
        "  trainer.batch_size = 0 (from --set): "
        "expected a whole number from 1 to 1000000; the default is 512.",
        "  gate.min_examples = 0 (from --set): expected a whole number of at least 1; the default is 50.",
        "`greenlight config explain KEY` documents a setting.",
    ]


def test_a_rule_over_several_keys_names_their_section():
    message = refusal("gate.min_accuracy=off", "gate.min_change=off")
    assert message.startswith("gate (from --set): this gate has no condition and would promote anything")


def test_a_mistake_says_which_layer_it_came_from(toml):
    file = toml("[trainer]\nepochs = 0\n")
    assert f"trainer.epochs = 0 (from {file})" in refusal(file=file)
    assert 'data.source = "x" (from --source)' in refusal(source="x")
    assert 'embedding.name = "" (from --embedding)' in refusal(embedding="")
    assert 'workspace = "" (from --workspace)' in refusal(workspace="")


def test_an_unknown_section_of_a_file_is_named_once(toml):
    file = toml("[trainr]\nepochs = 0\npatience = 3\n")
    assert refusal(file=file) == f"trainr (from {file}): there is no such section. Did you mean trainer?"


def test_an_unknown_preset_is_named():
    assert refusal(preset="sed") == "There is no preset 'sed'. There is: seed."


# --- files


def test_a_missing_file_is_named_with_a_way_to_make_one(tmp_path):
    path = tmp_path / "no.toml"
    assert refusal(file=path) == (
        f"The settings file {path} does not exist. Check its name; `greenlight config show > FILE` "
        "writes one."
    )


def test_a_folder_is_no_settings_file(tmp_path):
    assert refusal(file=tmp_path) == (
        f"The settings file {tmp_path} cannot be read: Is a directory. Name another with --config."
    )


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        ("[trainer]\nepochs = 3\nmonitor = val_loss\n", 3, "monitor = val_loss"),
        ("[trainer\nepochs = 3\n", 1, "[trainer"),
        ("epochs = 3\nepochs = 4\n", 2, "epochs = 4"),
        ("a = 1\nb = 'x", 2, "b = 'x"),
        ("a = True", 1, "a = True"),
    ],
)
def test_malformed_toml_names_file_and_line_and_shows_it(toml, text, line, shown):
    file = toml(text)
    message = refusal(file=file)
    assert message.startswith(f"The settings file {file} is not valid TOML, line {line}: ")
    assert message.splitlines()[1] == f"  {shown}"


def test_bytes_that_are_no_text_are_said_so(tmp_path):
    path = tmp_path / "latin.toml"
    path.write_bytes(b'workspace = "caf\xe9"\n')
    assert "is not UTF-8 text (byte 16)" in refusal(file=path)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf[trainer]\r\nepochs = 3\r\n")
    assert load(file=path).trainer.epochs == 3


def test_a_setting_of_several_types_is_named_as_it_was_given():
    with pytest.raises(InputError) as refused:
        load(assignments=["data.threshold={recall_at_precision=2}"])
    told = str(refused.value)
    assert "data.threshold.recall_at_precision = 2 (from --set): expected less than or equal to 1" in told
    assert "constrained" not in told and "ThresholdAim" not in told

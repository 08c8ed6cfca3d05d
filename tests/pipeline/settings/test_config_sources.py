"""Where settings come from besides the flags: greenlight.toml, several files, environment variables."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from components.errors import InputError
from components.trainer.settings import TrainerSettings
from pipeline import config
from pipeline.cli import cli
from pipeline.config import Settings, load
from pipeline.retraining import child_process


@pytest.fixture
def show(tmp_path, monkeypatch):
    """`greenlight config show` in an empty folder; its result."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, code=0, **variables):
        result = CliRunner().invoke(cli, ["config", "show", *arguments], env=variables)
        assert result.exit_code == code, result.output
        return result

    return run


def test_greenlight_toml_of_the_current_folder_is_found_and_named(show):
    Path("greenlight.toml").write_text("[trainer]\nepochs = 7\n")
    result = show()
    assert tomllib.loads(result.stdout)["trainer"]["epochs"] == 7
    assert result.stderr == "Settings: greenlight.toml of this folder.\n"
    assert "epochs = 7  # greenlight.toml" in result.stdout


def test_a_file_that_is_named_stands_in_for_greenlight_toml(show):
    Path("greenlight.toml").write_text("[trainer]\nepochs = 7\nseed = 5\n")
    Path("other.toml").write_text("[trainer]\nepochs = 9\n")
    result = show("--config", "other.toml")
    trainer = tomllib.loads(result.stdout)["trainer"]
    assert (trainer["epochs"], trainer["seed"]) == (9, Settings().trainer.seed)
    assert result.stderr == ""


def test_later_files_win_key_by_key(show):
    Path("a.toml").write_text("[trainer]\nepochs = 7\nseed = 5\n[gate]\nmin_accuracy = 0.7\n")
    Path("b.toml").write_text("[trainer]\nepochs = 9\n")
    result = show("--config", "a.toml", "--config", "b.toml")
    shown = tomllib.loads(result.stdout)
    assert (shown["trainer"]["epochs"], shown["trainer"]["seed"]) == (9, 5)
    assert shown["gate"]["min_accuracy"] == 0.7
    assert "epochs = 9  # b.toml" in result.stdout and "seed = 5  # a.toml" in result.stdout


def test_a_variable_wins_over_a_file_and_gives_way_to_set(show):
    Path("greenlight.toml").write_text("[gate]\nmin_accuracy = 0.7\n[trainer]\nepochs = 3\n")
    variables = {"GREENLIGHT_GATE__MIN_ACCURACY": "0.9", "GREENLIGHT_TRAINER__EPOCHS": "4"}
    result = show("--set", "trainer.epochs=5", **variables)
    shown = tomllib.loads(result.stdout)
    assert (shown["gate"]["min_accuracy"], shown["trainer"]["epochs"]) == (0.9, 5)
    assert "min_accuracy = 0.9  # GREENLIGHT_GATE__MIN_ACCURACY" in result.stdout


def test_keys_outside_sections_have_variables_too():
    settings = load(environment={"GREENLIGHT_WORKSPACE": "elsewhere", "GREENLIGHT_MODEL_NAME": "mine"})
    assert (settings.workspace, settings.model_name) == (Path("elsewhere"), "mine")


def test_other_variables_of_the_prefix_are_left_alone():
    """Kubernetes adds the first two beside a service that is named greenlight."""
    others = {
        "GREENLIGHT_SERVICE_HOST": "10.0.0.1",
        "GREENLIGHT_PORT_8501_TCP": "tcp://10.0.0.1:8501",
        "GREENLIGHT_API_KEY": "secret",
    }
    assert load(environment=others) == Settings()


def test_a_variable_of_no_setting_is_refused_by_name():
    with pytest.raises(InputError) as refused:
        load(environment={"GREENLIGHT_GATE__MIN_ACURACY": "0.9"})
    text = str(refused.value)
    assert "gate.min_acuracy = 0.9 (from GREENLIGHT_GATE__MIN_ACURACY)" in text
    assert "Did you mean gate.min_accuracy?" in text


def test_one_underscore_where_two_are_needed_is_not_passed_over():
    with pytest.raises(InputError) as refused:
        load(environment={"GREENLIGHT_GATE_MIN_ACCURACY": "0.9"})
    assert "Did you mean GREENLIGHT_GATE__MIN_ACCURACY?" in str(refused.value)


def test_what_kubernetes_sets_for_a_service_is_no_misspelled_setting():
    """A Service called greenlight-serve-grpc gives every pod of its namespace these variables."""
    of_a_service = {
        "GREENLIGHT_SERVE_GRPC_PORT": "tcp://10.0.0.7:8500",
        "GREENLIGHT_SERVE_GRPC_SERVICE_HOST": "10.0.0.7",
    }
    assert load(environment=of_a_service) == load()
    with pytest.raises(InputError, match="Did you mean GREENLIGHT_SERVE__GRPC_PORT"):
        load(environment={"GREENLIGHT_SERVE_GRPC_PORT": "8500"})


def test_a_value_of_the_wrong_kind_names_its_variable(show):
    result = show(code=2, GREENLIGHT_TRAINER__EPOCHS="many")
    assert 'trainer.epochs = "many" (from GREENLIGHT_TRAINER__EPOCHS)' in result.stderr
    assert "Traceback" not in result.output


def test_the_processes_of_a_retrainer_get_no_variables_of_settings(monkeypatch):
    """They get every setting in a file, without_spans among them, which a variable would win over."""
    monkeypatch.setenv("GREENLIGHT_DATA__WINDOW", "9")
    monkeypatch.setenv("GREENLIGHT_API_KEY", "kept")
    environment = child_process.child_environment()
    assert "GREENLIGHT_DATA__WINDOW" not in environment
    assert environment["GREENLIGHT_API_KEY"] == "kept"


def test_what_is_shown_with_origins_reads_back_the_same(show, tmp_path):
    Path("greenlight.toml").write_text(
        '[gate]\nslices = { "length:under 125 words" = 0.8 }\n[beam]\noptions = ["--a=1", "--b=2"]\n'
        '[[gate.conditions]]\nmetric = "auc"\nat_least = 0.9\n'
    )
    written = tmp_path / "shown.toml"
    written.write_text(show().stdout)
    assert load(file=written) == load(file=Path("greenlight.toml"))


def table(negative: str, positive: str) -> str:
    return f'[data.labels]\n"{negative}" = "negative"\n"{positive}" = "positive"\n'


@pytest.fixture
def two_files(tmp_path):
    """Two settings files, of which the second has a mapping of its own."""
    files = [tmp_path / "a.toml", tmp_path / "b.toml"]
    files[0].write_text(table("1", "5") + '[gate]\nslices = { "overall" = 0.8 }\n')
    files[1].write_text(table("bad", "good"))
    return files


def test_a_later_layer_replaces_a_table_that_is_one_setting(two_files):
    settings = load(file=two_files)
    assert settings.data.labels == {"bad": "negative", "good": "positive"}
    assert settings.gate.slices == {"overall": 0.8}
    whole = load(file=two_files, assignments=['data.labels={"0" = "negative", "9" = "positive"}'])
    assert whole.data.labels == {"0": "negative", "9": "positive"}
    assert load(file=two_files, assignments=["data.labels={}", "gate.slices={}"]) == Settings()


def test_a_dotted_key_adds_an_entry_to_such_a_table_or_changes_one(two_files):
    added = load(file=two_files[0], assignments=["data.labels.4=positive", "data.labels.5=negative"])
    assert added.data.labels == {"1": "negative", "5": "negative", "4": "positive"}
    variable = load(file=two_files[0], environment={"GREENLIGHT_DATA__LABELS__4": "positive"})
    assert set(variable.data.labels) == {"1", "4", "5"}


def test_entries_that_were_replaced_have_no_origin(two_files):
    merged = config.layers(file=two_files)
    assert {key: Path(of).name for key, of in merged.origins.items()} == {
        "data.labels.bad": "b.toml", "data.labels.good": "b.toml", "gate.slices.overall": "a.toml",
    }  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        {"file": "[trainer]\nmemory_reviews = 7\n"},
        {"assignments": ["trainer.memory_reviews=7"]},
        {"environment": {"GREENLIGHT_TRAINER__MEMORY_REVIEWS": "7"}},
        {"values": {"trainer.memory_reviews": 7}},
        {"file": "[trainer]\nmemory_examples = 3\n", "assignments": ["trainer.memory_reviews=7"]},
        {"file": "[trainer]\nmemory_reviews = 3\n", "assignments": ["trainer.memory_examples=7"]},
    ],
)
def test_the_former_name_of_a_setting_is_still_read(tmp_path, given):
    if "file" in given:
        (tmp_path / "a.toml").write_text(given["file"])
        given = {**given, "file": tmp_path / "a.toml"}
    settings = load(**given)
    assert settings.trainer.memory_examples == 7
    assert "memory_examples = 7" in config.to_toml(settings)


def test_one_setting_by_both_of_its_names_is_refused(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text("[trainer]\nmemory_reviews = 7\nmemory_examples = 8\n")
    with pytest.raises(InputError) as error:
        load(file=file)
    now = "trainer.memory_examples"
    told = f"trainer.memory_reviews is the former name of {now}. Keep only {now}."
    assert str(error.value) == f"{file}: {told}"


def test_a_former_name_is_explained_by_the_current_one():
    result = CliRunner().invoke(cli, ["config", "explain", "trainer.scale_with_reviews"])
    assert result.stdout.startswith("trainer.scale_with_examples\n")


def test_the_trainers_settings_of_a_former_version_are_read():
    recorded = '{"memory_reviews": 7, "scale_with_reviews": false, "hidden_units": [4]}'
    settings = TrainerSettings.model_validate_json(recorded)
    assert (settings.memory_examples, settings.scale_with_examples) == (7, False)
    assert TrainerSettings(memory_reviews=7) == TrainerSettings(memory_examples=7)

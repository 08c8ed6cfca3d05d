"""Settings: which layer wins, how values are read, and that they survive being written and read again."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pydantic import BaseModel

from components.errors import InputError
from components.evaluator.settings import SLICES
from pipeline import config
from pipeline.config import BeamSettings, Settings, load

# --- which layer wins


def test_the_default_run_needs_no_settings_at_all():
    assert load() == Settings()


def test_names_that_scripts_rely_on_exist():
    keys = {
        "trainer.epochs": 3, "trainer.batch_size": 3, "trainer.learning_rate": 0.5, "trainer.seed": 3,
        "trainer.patience": 3, "gate.min_accuracy": 0.5, "gate.min_change": 0.5, "data.source": "tfds",
        "embedding.name": "x",
    }  # fmt: skip
    settings = load(assignments=[f"{key}={value}" for key, value in keys.items()])
    for key, value in keys.items():
        section, name = key.split(".")
        assert getattr(getattr(settings, section), name) == value


def test_each_layer_gives_way_to_the_next(toml):
    file = toml('[data]\neval_weight = 7\nsource = "tfds"\n[trainer]\nepochs = 3\n')
    settings = load(preset="seed", file=file, source="files:a.csv", assignments=["trainer.epochs=4"])
    assert settings.data.test_weight == 0  # preset over default
    assert settings.data.eval_weight == 7  # file over preset
    assert settings.data.source == "files:a.csv"  # flag over file
    assert settings.trainer.epochs == 4  # --set over file


def test_set_wins_over_the_flags_of_their_own():
    settings = load(workspace="a", embedding="b", assignments=["workspace=c", "embedding.name=d"])
    assert (settings.workspace, settings.embedding.name) == (Path("c"), "d")


def test_the_last_of_several_assignments_wins():
    assert load(assignments=["trainer.epochs=4", "trainer.epochs=5"]).trainer.epochs == 5


def test_the_seed_preset_is_the_lessons_split():
    data = load(preset="seed").data
    assert (data.train_weight, data.eval_weight, data.test_weight) == (15_000, 10_000, 0)


def test_a_table_of_the_file_is_completed_key_by_key(toml):
    first, second, *_ = SLICES
    file = toml(f'[gate.slices]\n"{first}" = 0.8\n"{second}" = 0.7\n')
    settings = load(file=file, assignments=[f"gate.slices.{second}=0.9"])
    assert settings.gate.slices == {first: 0.8, second: 0.9}


# --- how values are read


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("trainer.epochs = 3", 3),
        ("trainer.learning_rate=1", 1.0),
        ("trainer.early_stopping=false", False),
        ("trainer.hidden_units=[8, 4]", (8, 4)),
        ("trainer.hidden_units=[]", ()),
        ("trainer.monitor=val_accuracy", "val_accuracy"),
        ("data.text_column=2024-01-01", "2024-01-01"),
        ("data.text_column=7", "7"),
        ("data.text_column=true", "true"),
        ('data.text_column="7"', "7"),
        ("data.text_column=a = b", "a = b"),
        ("data.limit=10", 10),
        ("data.limit=none", None),
        ("gate.min_accuracy=off", None),
    ],
)
def test_values_are_toml_or_as_they_stand(assignment, expected):
    section, name = assignment.partition("=")[0].strip().split(".")
    assert getattr(getattr(load(assignments=[assignment]), section), name) == expected


@pytest.mark.parametrize("runner", ["flink", "Flink", "FLINK", "Spark", "spark"])
def test_the_name_of_a_runner_with_a_job_server_may_be_in_any_case(runner):
    assert config.load(assignments=[f"beam.runner={runner}"]).beam.runner == runner.lower()


def test_a_value_may_be_a_list_of_tables():
    (condition,) = load(assignments=['gate.conditions=[{metric="auc", at_least=0.9}]']).gate.conditions
    assert (condition.metric, condition.at_least) == ("auc", 0.9)


def test_paths_stay_relative_and_a_tilde_is_the_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert load(workspace="a/b").workspace == Path("a/b")
    assert load(workspace="~/b").workspace == Path("/home/ann/b")


# --- round trip


NUMBERS = st.floats(0, 1, allow_nan=False)
PRINTABLE = st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"])
KEYS = ["trainer.epochs", "data.limit", "workspace", "gate.slices", "gate.conditions"]
ASSIGNMENTS = st.fixed_dictionaries(
    {},
    optional={
        "workspace": st.sampled_from(["w", "/a b/c", 'quo"ted', "päth"]),
        "cache_dir": st.sampled_from(["c", "/tmp/c"]),
        "data": st.fixed_dictionaries(
            {},
            optional={
                "limit": st.integers(1, 10**6),
                "test_weight": st.integers(0, 10**6),
                "max_bad_share": NUMBERS,
                "split_salt": st.text(PRINTABLE, min_size=1),
            },
        ),
        "trainer": st.fixed_dictionaries(
            {},
            optional={
                "epochs": st.integers(1, 10**5),
                "early_stopping": st.booleans(),
                "min_delta": st.floats(0, 1e6),
                "hidden_units": st.lists(st.integers(1, 512), max_size=4),
            },
        ),
        "gate": st.fixed_dictionaries(
            {},
            optional={
                "min_change": st.one_of(st.just("off"), st.floats(-1, 1)),
                "confidence": st.one_of(st.just("off"), st.floats(0.5, 0.999)),
                "slices": st.dictionaries(st.sampled_from(SLICES), NUMBERS),
                "conditions": st.lists(
                    st.fixed_dictionaries({"metric": st.just("auc"), "at_least": NUMBERS}), max_size=2
                ),
            },
        ),
    },
)


@effort(max_examples=50, deadline=None)
@given(ASSIGNMENTS)
def test_what_config_show_prints_loads_to_the_same_settings(tmp_path_factory, values):
    from pipeline.settings.layers import Layer, merge

    settings = config.parse(merge([Layer("test", values)], model=config.Settings))
    path = tmp_path_factory.getbasetemp() / "round-trip.toml"
    path.write_text(config.to_toml(settings), encoding="utf-8")
    assert load(file=path) == settings


@effort(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_any_assignment_is_taken_or_refused_in_words(key, value):
    try:
        load(assignments=[f"{key}={value}"])
    except InputError as error:
        assert str(error).strip()


@effort(deadline=None)
@given(st.sampled_from(KEYS), st.text())
def test_any_value_of_a_known_key_is_taken_or_refused_by_its_name(key, value):
    try:
        load(assignments=[f"{key}={value}"])
    except InputError as error:
        assert key in str(error)


def test_no_setting_can_be_unset_that_is_set_by_default():
    """TOML has no null: an unset key is left out of `config show`, and must then be unset by default."""

    def optional_with_default(model, prefix=""):
        for name, field in model.model_fields.items():
            kind = field.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from optional_with_default(kind, f"{prefix}{name}.")
            setting = config.config_errors.find(Settings, prefix + name)
            if setting and setting.may_be_unset and setting.default is not None:
                yield prefix + name

    assert list(optional_with_default(Settings)) == []


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load().trainer.epochs = 3


# --- what settings mean


def test_the_cache_is_the_users_own_unless_set(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert load().cache == tmp_path / "greenlight"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load().cache == tmp_path / ".cache" / "greenlight"
    assert load(assignments=["cache_dir=here"]).cache == Path("here").absolute()


def test_without_a_home_the_cache_is_in_the_workspace(monkeypatch):
    def homeless(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    settings = load(workspace="w")
    monkeypatch.setattr(Path, "expanduser", homeless)
    assert settings.cache == Path("w/cache").absolute()


def test_beam_works_in_process_by_its_full_name_on_one_worker():
    assert load().beam.pipeline_args() == [
        "--sdk_container_image=none",
        "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
        "--direct_num_workers=1",
        "--direct_running_mode=in_memory",
    ]
    assert "--direct_running_mode=multi_processing" in BeamSettings(workers=4).pipeline_args()


def test_another_beam_runner_gets_only_its_own_options():
    beam = load(assignments=["beam.runner=PortableRunner", 'beam.options=["--job_endpoint=a:1"]']).beam
    assert beam.pipeline_args() == ["--runner=PortableRunner", "--job_endpoint=a:1"]


def test_flink_has_arguments_without_ports_for_the_cache_keys():
    beam = load(assignments=["beam.runner=flink", 'beam.options=["--parallelism=2"]']).beam
    assert beam.pipeline_args() == [
        "--sdk_container_image=none",
        "--runner=pipeline.job_server.runner.FlinkRunner",
        "--flink_master=[local]",
        "--parallelism=2",
    ]


def test_spark_has_arguments_without_ports_for_the_cache_keys():
    beam = load(assignments=["beam.runner=spark", "beam.spark_master=spark://spark:7077"]).beam
    assert beam.pipeline_args() == [
        "--sdk_container_image=none",
        "--runner=pipeline.job_server.runner.SparkRunner",
        "--spark_master_url=spark://spark:7077",
        "--environment_cache_millis=3600000",
    ]


@pytest.mark.parametrize(("master", "kept"), [("spark://spark:7077", "3600000"), ("local[2]", None)])
def test_executors_of_a_spark_cluster_keep_their_workers(master, kept):
    assert kept_milliseconds(BeamSettings(runner="spark", spark_master=master)) == kept


def test_an_option_of_beam_says_how_long_a_worker_is_kept():
    given = {"spark_master": "spark://spark:7077", "options": ("--environment_cache_millis=0",)}
    assert kept_milliseconds(BeamSettings(runner="spark", **given)) == "0"


def kept_milliseconds(beam: BeamSettings) -> str | None:
    """What Beam reads: the last option of that name."""
    name = "--environment_cache_millis="
    found = [each.removeprefix(name) for each in beam.pipeline_args() if each.startswith(name)]
    return found[-1] if found else None


def test_an_image_of_the_workers_takes_the_place_of_none():
    beam = BeamSettings(runner="flink", options=("--sdk_container_image=a:1",))
    assert [each for each in beam.pipeline_args() if "image" in each] == ["--sdk_container_image=a:1"]

"""Runners and options that no stage could run with are refused in one sentence, before anything starts."""

import re
import socket
from pathlib import Path

import pytest

from components.errors import InputError
from pipeline.config import load
from pipeline.preflight.beam_runner import require_known, require_usable

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")


def check(runner, *options):
    quoted = ", ".join(f'"{option}"' for option in options)
    require_usable(load(assignments=[f"beam.runner={runner}", f"beam.options=[{quoted}]"]).beam)


@pytest.mark.parametrize(
    ("runner", "options", "told"),
    [
        (
            "FlinkRuner",
            (),
            "beam.runner = 'FlinkRuner': Beam has no such runner. Did you mean FlinkRunner?",
        ),
        (
            "json.JSONDecoder",
            (),
            "beam.runner = 'json.JSONDecoder': Beam has no such runner. A class of your own is named with "
            "its module.",
        ),
        (
            "nowhere.Runner",
            (),
            "beam.runner = 'nowhere.Runner': it is not installed here (No module named 'nowhere').",
        ),
        (
            "in-process",
            ("--nonsense=1",),
            "beam.options: unknown Beam option --nonsense. Leave it out.",
        ),
        (
            "in-process",
            ("--direct_num_workers=few",),
            "beam.options: argument --direct_num_workers: invalid int value: 'few'.",
        ),
        (
            "PortableRunner",
            ("--job_endpont=localhost:8099",),
            "beam.options: unknown Beam option --job_endpont. Did you mean --job_endpoint?",
        ),
        (
            "PortableRunner",
            (),
            "beam.options: PortableRunner needs --job_endpoint=HOST:PORT, the address of Beam's job server.",
        ),
        (
            "PortableRunner",
            ("--job_endpoint=localhost:1",),
            "beam.options: no job server answers at --job_endpoint=localhost:1 (Connection refused). Start "
            "it, or correct the address.",
        ),
        (
            "DataflowRunner",
            ("--project=p", "--region=r"),
            "beam.options: DataflowRunner needs --temp_location=gs://BUCKET/FOLDER.",
        ),
    ],
)
def test_what_is_surely_wrong_is_refused(runner, options, told):
    with pytest.raises(InputError) as refused:
        check(runner, *options)
    assert str(refused.value) == told


def test_a_server_that_answers_may_know_more_options_than_beam_here():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        endpoint = f"--job_endpoint=127.0.0.1:{listening.getsockname()[1]}"
        check("PortableRunner", endpoint, "--fasterCopy", "--sdk_worker_parallelism=2")


def test_flink_spark_and_the_runner_in_this_process_take_their_options():
    check("FlinkRunner", "--flink_master=flink:8081", "--parallelism=4", "--environment_type=DOCKER")
    check("SparkRunner", "--spark_master_url=spark://spark:7077")
    check("in-process", "--temp_location=/tmp")


def test_beam_knows_the_options_of_the_documentation(tmp_path):
    recipes = [text for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "[beam]" in text]
    runners = []
    for text in recipes:
        (tmp_path / "greenlight.toml").write_text(text, encoding="utf-8")
        beam = load(file=tmp_path / "greenlight.toml").beam
        require_known(beam)
        runners.append(beam.runner)
    assert runners == ["PortableRunner", "flink", "flink", "spark", "spark", "DataflowRunner"]


def test_the_launcher_of_the_documentation_is_of_the_locked_beam_and_the_images_python():
    (python, beam) = re.search(r"apache/beam_python([\d.]+)_sdk:([\d.]+) ", PAGE).groups()
    lock = (ROOT / "requirements" / "tfx-1.16.txt").read_text(encoding="utf-8")
    assert f"\napache-beam=={beam} " in lock
    assert f"ARG BASE=python:{python}-slim-bookworm\n" in (ROOT / "deploy" / "Dockerfile").read_text()


def test_a_command_ends_with_the_sentence(greenlight, tmp_path):
    result = greenlight("run", "--workspace", str(tmp_path), "--set", "beam.runner=SparkRuner")
    assert result.exit_code == 2
    assert "Beam has no such runner. Did you mean SparkRunner?" in result.output

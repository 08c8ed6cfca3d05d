"""Bad files at every entry point: one message with its exit code, before TensorFlow is loaded."""

import gzip
import io
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import processes
import pytest

HEAVY = {"tensorflow", "tfx", "tensorflow_model_analysis", "sklearn"}
ENTRY_POINTS = {
    "run": ["run", "--source", "files:{}"],
    "run of spans": ["run", "--source", "files:span-{{SPAN}}/*"],
    "tune": ["tune", "--source", "files:{}"],
    "study": ["study", "early-stopping", "--source", "files:{}"],
    "study of labels": ["study", "labels", "--source", "files:{}"],
    "retrain": ["retrain", "--source", "files:{}"],
    "data add": ["data", "add", "{}"],
    "drift": ["drift", "{}"],
    "drift of a span": ["drift", "1", "--set", "data.source=files:span-{{SPAN}}/*"],
    "predict": ["predict", "--file", "{}"],
    "batch-predict": ["batch-predict", "{}", "out.jsonl"],
}
OF_SPANS = ("run of spans", "retrain of spans", "drift of a span")
SETTLED = ["--set", "retrain.settle_seconds=0"]
ALL = ENTRY_POINTS | {"retrain of spans": ["retrain", "--source", "files:span-{{SPAN}}/*", *SETTLED]}


def packed(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "text,label\nfine,1\n")
    return content.getvalue()


def rows(label: Callable[[int], object]) -> str:
    return "text,label\n" + "".join(f"film {number},{label(number)}\n" for number in range(150))


def lists() -> str:
    return "".join(f'{{"text": "film {number}", "label": [{number % 2}, 1]}}\n' for number in range(150))


def swallowed() -> str:
    """Four quotes that were not meant as such: the rows between two of them seem to be one."""
    lines = [f"film {number},{number % 2}" for number in range(150)]
    for number in (10, 14, 70, 75):
        text, label = lines[number].split(",")
        lines[number] = f'"{text},{label}' if number in (10, 70) else f'{text}",{label}'
    return "\n".join(["text,label", *lines]) + "\n"


def closed(path: Path) -> None:
    path.write_text(rows(lambda number: number % 2))
    path.parent.chmod(0)


@dataclass(frozen=True)
class Bad:
    """What is wrong with a file, and what is said of it; `words` follow its name.

    code: of entry points that train; 4 is the data check's.
    """

    make: Callable[[Path], object]
    words: str
    name: str = "reviews.csv"
    code: int = 2
    unlabeled: bool = True
    compared: bool = True


def text(content: str | bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content.encode() if isinstance(content, str) else content)


WORKBOOK = packed("[Content_Types].xml", "xl/workbook.xml")
BAD = {
    "fifo": Bad(os.mkfifo, "is a pipe, not a file; save what it gives as a file"),
    "device": Bad(lambda path: path.symlink_to("/dev/zero"), "is a device, not a file"),
    "missing": Bad(lambda path: None, ""),
    "empty": Bad(text(""), "is empty; its first line has to name the columns."),
    "no row": Bad(text("text,label\n"), "it contains no rows."),
    "no header": Bad(text("a fine film,1\na dull film,0\n"), "has no header: its first line is a row"),
    "other columns": Bad(text("body,stars\nfine,1\n"), "has no column "),
    "sep=": Bad(text("sep=;\ntext,label\nfine,1\n"), "has no column "),
    "workbook": Bad(text(WORKBOOK), "is an Excel workbook"),
    "workbook by its name": Bad(text(WORKBOOK), "is an Excel workbook", name="reviews.xlsx"),
    "archive": Bad(text(packed("reviews.csv")), "is a zip archive; unpack it (unzip)"),
    "archive by its name": Bad(text(packed("reviews.csv")), "is a zip archive", name="reviews.zip"),
    "packed page": Bad(text(gzip.compress(b"<html></html>")), "is a web page (HTML)"),
    "no text": Bad(text(b"\x93\x00\xff," * 99), "is not UTF-8 text; save it as UTF-8"),
    "broken array": Bad(text('[{"text": "fi'), "the JSON array is broken or cut off", name="reviews.json"),
    "closed folder": Bad(closed, ": Permission denied. See that "),
    "windows-1252": Bad(text(rows(lambda _: 1).replace("film", "caf\xe9").encode("cp1252")), "iconv", code=4),
    "swallowed rows": Bad(text(swallowed()), "broken quoting", code=4, compared=False),
    "list": Bad(
        text(lists()),
        "without a list around them",
        name="reviews.jsonl",
        code=4,
        unlabeled=False,
        compared=False,
    ),
    "scale": Bad(text(rows(lambda number: number % 5 + 1)), "look like a scale", code=4, unlabeled=False),
}
WITHOUT_A_NAME = ("windows-1252", "swallowed rows", "list", "scale", "missing")


def without_rights() -> list[str]:
    """What makes a process of root's one that other users' files are closed to."""
    if os.geteuid() != 0:
        return []
    found = shutil.which("setpriv")
    return [found, "--bounding-set=-dac_override,-dac_read_search"] if found else []


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """How the entry point ended with each of the bad files; all are played in one fresh process."""
    known: dict[str, dict[str, processes.Played]] = {}

    def play(entry_point: str) -> dict[str, processes.Played]:
        if entry_point not in known:
            known[entry_point] = _play(entry_point, tmp_path_factory.mktemp("played"))
        return known[entry_point]

    return play


def _play(entry_point: str, base: Path) -> dict[str, processes.Played]:
    calls = []
    for bad, file in BAD.items():
        folder = base / bad.replace(" ", "-")
        path = folder / ("span-1" if entry_point in OF_SPANS else "in") / file.name
        path.parent.mkdir(parents=True)
        file.make(path)
        arguments = [part.format(path.relative_to(folder)) for part in ALL[entry_point]]
        calls.append((folder, arguments))
    try:
        cache = str(base / "cache")
        return dict(
            zip(BAD, processes.played(calls, start=without_rights(), XDG_CACHE_HOME=cache), strict=True)
        )
    finally:
        for folder in base.glob("closed-folder/*"):
            folder.chmod(0o700)


@pytest.mark.proof
@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_file_is_answered_in_one_message_before_tensorflow_is_loaded(ended, entry_point, bad):
    file = BAD[bad]
    if bad == "closed folder" and os.geteuid() == 0 and not without_rights():
        pytest.skip("nothing is closed to root here")
    code, out, err, packages = ended(entry_point)[bad]
    assert not HEAVY & set(packages)
    assert "Traceback" not in err + out and not err.count("Error: ") > 1
    if _may_pass(entry_point, file):
        assert file.name not in err
        return
    expected = 2 if "drift" in entry_point else file.code
    told = err
    if entry_point.startswith("run") and expected == 4:
        told = out  # the verdict of a run
        assert "could not be written" not in out
    elif expected == 2:
        assert out == "" and err.startswith("Error: ") and err.count("\n") <= 1 + 12 * (file.code == 4)
    assert code == expected, (code, out, err)
    assert file.words in told
    if bad not in WITHOUT_A_NAME:
        assert f"{'span-1' if 'span' in entry_point else 'in'}" in told


def _may_pass(entry_point: str, file: Bad) -> bool:
    if "drift" in entry_point:
        return not file.compared
    return "predict" in entry_point and not file.unlabeled


@pytest.mark.proof
@pytest.mark.parametrize("bad", [name for name in BAD if name != "missing"])
def test_a_span_that_cannot_be_used_is_quarantined_before_a_model_is_asked(ended, bad):
    """What the system does not let be read says nothing of the span: that is the command's error."""
    if bad == "closed folder" and os.geteuid() == 0 and not without_rights():
        pytest.skip("nothing is closed to root here")
    code, out, err, packages = ended("retrain of spans")[bad]
    assert not HEAVY & set(packages) and "Traceback" not in err
    if bad in ("fifo", "device", "closed folder"):
        assert code == 2 and BAD[bad].words in err
    else:
        assert code == 4 and BAD[bad].words in out and "span 1 quarantined: " in out

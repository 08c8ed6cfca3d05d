"""Reviews that are not there: answered at once, in one line, with nothing left behind."""

from pathlib import Path

import pytest

from components.example_gen.sources.preflight import require_source
from pipeline.config import load


def landed(number):
    file = Path(f"workspace/spans/span-{number}/reviews.csv")
    file.parent.mkdir(parents=True)
    file.write_text("text,label\na fine film,1\n")


@pytest.mark.parametrize("command", ["run", "tune"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--source", "spans", "--workspace", "empty"], "Error: data.source: there is no span at "),
        (
            ["--source", "spans", "--set", "data.span=99"],
            "Error: data.span: there is no span 99; there is: span 1.\n",
        ),
        (
            ["--source", "spans", "--set", "data.without_spans=[1]"],
            "Error: data.source: there is no span at ",
        ),
        (["--source", "files:none/span-{SPAN}/*"], "Error: data.source: there is no span at "),
        (["--source", "files:none-*.csv"], "Error: data.source: no file matches "),
        (["--source", "files:workspace"], "Error: data.source: "),
    ],
)
def test_a_run_of_reviews_that_are_not_there_is_refused_before_it_begins(
    greenlight, command, arguments, said
):
    landed(1)
    result = greenlight(command, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(said) and result.stderr.count("\n") == 1
    assert not Path("empty").exists()
    assert not list(Path().glob("*/runs/*")) and not list(Path().glob("*/tuning/runs/*"))


@pytest.mark.parametrize(
    "source", ["packaged", "tfds", "spans", "files:a[1].csv", "files:workspace/**.csv", "files:gs://b/*.csv"]
)
def test_what_is_there_or_elsewhere_is_left_to_the_run(greenlight, source):
    landed(1)
    Path("a[1].csv").write_text("text,label\na fine film,1\n")
    assert require_source(load(assignments=[f"data.source={source}"]).located_data) is None

"""Spans of a run of a person: they get none of their own, unless their content is another one now."""

import pytest

from components.example_gen.sources.parts import fingerprint
from pipeline.retraining.journal import Journal
from pipeline.retraining.notifier import history_line
from pipeline.retraining.policy.records import Released, Trained
from pipeline.spans.listing import list_spans
from pipeline.workspace.version_store import store_root
from serving.store.manifest import Facts
from serving.versions import VersionStore


@pytest.fixture
def trained(bench, small_model):
    """A bench with spans 1 and 2, and a live version that a person trained on them."""
    made = bench()
    made.land(1)
    made.land(2, "text,label\na dull film,0\n")
    push(made, small_model(), run="20260301-010101.000001")
    return made


def push(made, model, *, run: str, with_base: bool = False) -> None:
    """Pushes a model that `run` trained on all spans there are."""
    found = list_spans(made.settings)
    data = made.settings.data.model_copy(update={"with_base": with_base})
    facts = Facts(
        run_id=run,
        data={"settings": {"with_base": with_base}, "spans": [span.number for span in found]},
        data_fingerprint=fingerprint(data, found),
    )
    pushed = VersionStore(store_root(made.settings)).push(model, facts)
    made.live = (pushed.version, None)


def test_a_first_decision_does_not_begin_anew_with_the_oldest_span(trained):
    decision = trained.retrainer().step().decision
    assert (decision.kind, decision.why) == ("nothing", "no span is new; the newest is span 2")
    assert trained.started() == []
    history = [history_line(record) for record in Journal(trained.paths.journal).records()]
    assert history[1].endswith("trained    version 1, by a run of a person, on span 1, span 2")


def test_a_later_span_is_run_beside_those(trained):
    trained.retrainer().step()
    trained.land(3, "text,label\na new film,1\n")
    step = trained.retrainer().step()
    assert (step.decision.kind, step.decision.covers[0].number) == ("run", 3)
    assert trained.run_settings.data.without_spans == ()
    kinds = [line["kind"] for line in trained.journal()]
    assert kinds.count("trained") == 1


@pytest.mark.parametrize("with_base", [False, True])
def test_the_base_set_beside_the_spans_is_part_of_what_is_compared(trained, small_model, with_base):
    trained.land(3, "text,label\na new film,1\n")
    push(trained, small_model(0.5), run="20260301-020202.000002", with_base=with_base)
    assert trained.retrainer().step().decision.kind == "nothing"


def test_spans_with_other_content_than_then_are_new(trained):
    trained.land(2, "text,label\nnot a dull film,1\n")
    assert trained.retrainer().step().decision.why == "span 1 is new"


def test_a_span_that_is_gone_leaves_the_others_new(trained):
    (trained.folder / "spans" / "span-1" / "reviews.csv").unlink()
    assert trained.retrainer().step().decision.why == "span 2 is new"


def test_a_released_span_gets_its_run(trained):
    trained.retrainer().step()
    journal = Journal(trained.paths.journal)
    one = next(record.content for record in journal.records() if isinstance(record.content, Trained)).spans[0]
    journal.append(trained.now(), Released(span=one, who="a person", why="to be sure"))
    assert trained.retrainer().step().decision.why == "span 1 is new"


def test_a_version_of_a_run_of_its_own_is_no_persons(bench, small_model):
    made = bench()
    made.land(1)
    run = made.retrainer().step().run
    made.land(2, "text,label\na dull film,0\n")
    push(made, small_model(), run=run)
    assert made.retrainer().step().decision.why.startswith("span 2 is new")
    assert "trained" not in [line["kind"] for line in made.journal()]


def test_a_span_whose_own_run_was_refused_is_no_longer_doubtful(bench, small_model):
    made = bench()
    made.land(1)
    made.retrainer().step()
    push(made, small_model(), run="20260301-010101.000001")
    made.land(2, "text,label\na dull film,0\n")
    assert made.retrainer().step().decision.why == "span 2 is new"

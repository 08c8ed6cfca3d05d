"""The picture of a run: who used what, and a layout in which nothing overlaps."""

import itertools

from pipeline.lineage.runs import Artifact, Run, Stage
from pipeline.report import lineage_graph


def stage(name: str, *, uses: dict | None = None, makes: dict | None = None) -> Stage:
    def artifacts(found: dict | None) -> dict:
        return {key: (Artifact(number, "Model", "/x", {}),) for key, number in (found or {}).items()}

    return Stage(name, "complete", 1, 0, 1000, artifacts(uses), artifacts(makes))


def test_an_arrow_goes_from_maker_to_user(promoted_run):
    pairs = lineage_graph.uses(promoted_run.run)

    assert ("ImdbExampleGen", "StatisticsGen") in pairs
    assert ("Trainer", "Pusher") in pairs
    assert ("ProductionModel", "Evaluator") in pairs
    assert len(pairs) == len(set(pairs))


def test_an_artifact_from_outside_the_run_has_no_arrow():
    run = Run("r", (stage("Evaluator", uses={"baseline_model": 9}),))

    assert lineage_graph.draw(run).arrows == ()


def test_boxes_lie_apart_and_within_the_canvas(promoted_run):
    graph = lineage_graph.draw(promoted_run.run)

    assert {box.stage.name for box in graph.boxes} == {stage.name for stage in promoted_run.run.stages}
    for box in graph.boxes:
        assert box.x >= 0 and box.x + lineage_graph.BOX_WIDTH <= graph.width
        assert box.y >= 0 and box.y + box.height <= graph.height
    for one, other in itertools.combinations(graph.boxes, 2):
        beside = abs(one.x - other.x) >= lineage_graph.BOX_WIDTH
        upper, lower = sorted((one, other), key=lambda box: box.y)
        assert beside or upper.y + upper.height <= lower.y


def test_arrows_point_down(promoted_run):
    graph = lineage_graph.draw(promoted_run.run)
    tops = {box.stage.name: box.y for box in graph.boxes}

    assert graph.arrows
    assert all(tops[arrow.source] < tops[arrow.target] for arrow in graph.arrows)


def test_a_run_without_stages_is_an_empty_picture():
    graph = lineage_graph.draw(Run("r", ()))

    assert (graph.boxes, graph.arrows) == ((), ())

"""The Evaluator asks the sentences with negations of models of English film reviews, and of no others."""

import pytest

from pipeline.config import load
from pipeline.engine.stages import create_stages


@pytest.mark.parametrize(
    ("assignments", "asked"),
    [
        ((), 1),
        (('data.source="tfds"',), 1),
        (('data.source="files:reviews/*.csv"',), 0),
        (('data.source="files:topics/*.csv"', 'data.classes=["sport","film","trade"]'), 0),
    ],
)
def test_only_models_of_film_reviews_are_asked(tmp_path, assignments, asked):
    settings = load(workspace=str(tmp_path), assignments=assignments)
    stages = {stage.id: stage for stage in create_stages(settings, store_root=str(tmp_path / "serving"))}
    assert stages["Evaluator"].exec_properties["checklist"] == asked

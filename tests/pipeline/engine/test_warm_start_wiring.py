import pytest

from pipeline.config import load
from pipeline.engine.stages import create_stages


def stages(tmp_path, **assignments):
    given = [f"{key.replace('__', '.')}={value}" for key, value in assignments.items()]
    settings = load(workspace=str(tmp_path), assignments=given)
    return {stage.id: stage for stage in create_stages(settings, store_root=str(tmp_path / "serving"))}


def test_a_run_from_scratch_looks_for_no_model_before_training(tmp_path):
    found = stages(tmp_path)
    assert "LiveModel" not in found
    assert "base_model" not in found["Trainer"].inputs


@pytest.mark.parametrize("wanted", ["live", "auto"])
def test_the_live_model_is_an_input_of_the_trainer_and_so_in_its_cache_key(tmp_path, wanted):
    found = stages(tmp_path, trainer__warm_start=wanted)
    base_model = found["Trainer"].inputs["base_model"]
    assert base_model.producer_component_id == "LiveModel"
    assert "candidate" not in found["LiveModel"].inputs
    assert list(found).index("LiveModel") < list(found).index("Trainer")

"""The search: which trials it proposes, when it ends, what it makes of fits that fail."""

import pytest

from components.embeddings.settings import EmbeddingSettings
from components.errors import GreenlightError, InputError
from components.trainer import progress
from components.trainer.classifier.callbacks import Diverged
from components.trainer.settings import TrainerSettings
from components.tuner.fit_cache import FitResult
from components.tuner.search import Search
from components.tuner.settings import TuneSettings
from components.tuner.space import applied, space
from pipeline.failure import explain

TRAINER = TrainerSettings(learning_rate=0.004, seed=5)


class Fits:
    """Fits that take 30 seconds and come out the better the less dropout there is."""

    def __init__(self, fail=None):
        self.made = []
        self._fail = fail

    def of(self, trainer, embedding):
        self.made.append(trainer)
        if self._fail and (error := self._fail(trainer)):
            raise error
        return FitResult(
            accuracy=0.9, log_loss=0.2 + trainer.dropout, calibration_error=0.01, epochs=3, seconds=30
        )


@pytest.fixture
def search(tmp_path):
    def run(fits, **tune):
        found = Search(TuneSettings(**tune), TRAINER, EmbeddingSettings(), fits, working_dir=str(tmp_path))
        found.search()
        return found

    return run


def test_the_settings_as_they_are_come_first_and_no_trial_twice(search):
    fits = Fits()
    search(fits, trials=30)
    assert len(fits.made) == 30
    assert fits.made[0] == TRAINER
    assert len({trainer.model_dump_json() for trainer in fits.made}) == 30
    assert {trainer.seed for trainer in fits.made} == {5}


def test_the_same_seed_proposes_the_same_trials_whatever_the_budget(search):
    short, long, other = Fits(), Fits(), Fits()
    search(short, trials=5)
    search(long, trials=12)
    search(other, trials=5, seed=2)
    assert long.made[:5] == short.made != other.made


def test_the_best_is_the_one_with_the_least_loss_on_eval(search):
    fits = Fits()
    (best,) = search(fits, trials=15).get_best_hyperparameters()
    assert best.get("dropout") == min(trainer.dropout for trainer in fits.made)


def test_no_trial_begins_when_the_time_is_used_up(search):
    fits = Fits()
    search(fits, trials=30, minutes=1.2)
    assert len(fits.made) == 3


def test_a_small_space_is_searched_and_that_is_all(search):
    fits = Fits()
    none = {"learning_rate": (), "batch_size": (), "hidden_units": (), "label_smoothing": ()}
    search(fits, trials=20, dropout=(0.1, 0.3), **none)
    assert sorted(trainer.dropout for trainer in fits.made) == [0.1, 0.3]


def test_a_trial_that_diverges_is_no_reason_to_stop(search):
    fits, lines = Fits(fail=lambda trainer: trainer.learning_rate > 0.004 and Diverged("It diverged.")), []
    with progress.reporting_to(lines.append):
        search(fits, trials=12)
    assert len(fits.made) == 12
    assert any(line.endswith(": It diverged.") for line in lines)
    assert lines[1] == "trial 1/12: log loss 0.5000, accuracy 0.9000; the best so far 0.5000"


def test_where_all_diverge_there_is_a_remedy(search):
    with pytest.raises(
        GreenlightError, match=r"Every trial diverged.*Lower the values of tune\.learning_rate"
    ):
        search(Fits(fail=lambda trainer: Diverged("It diverged.")), trials=3)


def test_what_would_fail_in_every_trial_ends_the_search(search):
    fits = Fits(fail=lambda trainer: InputError("The embedding cannot be trained."))
    with pytest.raises(Exception, match="cannot be trained") as raised:
        search(fits, trials=5)
    assert len(fits.made) == 1
    assert explain(raised.value).exit_code == InputError.exit_code


def test_the_space_has_what_is_to_be_tried_and_what_is():
    tune = TuneSettings(learning_rate=(0.001, 0.01), batch_size=(), hidden_units=((), (64, 16)))
    choices = {one.name: (one.values, one.default) for one in space(tune, TRAINER).space}
    assert choices["learning_rate"] == ([0.001, 0.01, 0.004], 0.004)
    assert choices["hidden_units"] == (["[]", "[64, 16]", "[16]"], "[16]")
    assert "batch_size" not in choices


def test_a_trial_s_values_become_settings():
    trainer = applied({"hidden_units": "[64, 16]", "dropout": 0.1}, TRAINER)
    assert (trainer.hidden_units, trainer.dropout, trainer.learning_rate) == ((64, 16), 0.1, 0.004)

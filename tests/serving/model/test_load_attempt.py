"""A load that is given up while the model does not answer."""

import threading

import pytest

from serving.model.load_attempt import LoadAttempt
from serving.model.loader import LoadError, load
from serving.model.trial import Reference
from serving.store.manifest import Facts
from serving.versions import VersionStore


def test_an_attempt_that_is_given_up_ends_and_closes_the_model(tmp_path, odd_model):
    """The model would never answer: TensorFlow ends the call because its session is closed."""
    store = VersionStore(tmp_path / "store")
    store.push(odd_model("endless"), Facts())
    attempts = []

    def load_and_give_up(path, number):
        predictor = load(path, number)
        run = predictor.run

        def run_and_give_up(name, inputs):
            threading.Timer(0.2, attempts[0].give_up).start()
            return run(name, inputs)

        predictor.run = run_and_give_up
        return predictor

    attempts.append(LoadAttempt(store, 1, reference=Reference(), load=load_and_give_up))
    with pytest.raises(LoadError):
        attempts[0].run()

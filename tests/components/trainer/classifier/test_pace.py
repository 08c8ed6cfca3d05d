import threading

import pytest

from components.trainer.classifier.pace import Pace


@pytest.mark.parametrize(("epochs", "final", "asked"), [(1, False, 1), (3, False, 2), (3, True, 3)])
def test_an_epoch_that_is_certain_is_allowed(epochs, final, asked):
    pace = Pace()
    pace.reached(epochs, final=final)
    assert pace.allows(asked)


@pytest.mark.parametrize("epochs", [0, 2])
def test_no_epoch_beyond_the_last(epochs):
    pace = Pace()
    pace.reached(epochs, final=True)
    assert not pace.allows(epochs + 1)
    assert pace.given_up == (epochs == 0)


@pytest.mark.parametrize(
    ("reached", "final", "allowed"), [(3, False, True), (2, True, False), (3, True, True)]
)
def test_an_epoch_that_is_not_certain_is_waited_for(reached, final, allowed):
    pace, answers = Pace(), []
    pace.reached(2)
    waiting = threading.Thread(target=lambda: answers.append(pace.allows(3)))
    waiting.start()
    pace.reached(2)  # nothing new
    pace.reached(reached, final=final)
    waiting.join(timeout=60)
    assert answers == [allowed]

"""Settings of a whole run in a few seconds: 600 of the packaged reviews and a small vocabulary."""

SMALL_MODEL = ("embedding.vocabulary_size=2000", "trainer.batch_size=64", "trainer.epochs=6")
SMALL_RUN = ("data.limit=600", *SMALL_MODEL)
EASY_GATE = ("gate.min_accuracy=0.6", "gate.min_change=-0.5")
FIRST_RUN = (*SMALL_RUN, *EASY_GATE)
"""What the fixture `finished_workspace` was run with."""

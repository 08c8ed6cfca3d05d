"""Settings of a whole run in a few seconds: 600 of the packaged reviews and a small vocabulary, or less."""

SMALL_MODEL = (
    "embedding.vocabulary_size=2000",
    "trainer.batch_size=64",
    "trainer.epochs=6",
    "trainer.refit=false",  # with so few examples it is cross-fitting: five more fits
)
SMALL_RUN = ("data.limit=600", *SMALL_MODEL)
EASY_GATE = ("gate.min_accuracy=0.6", "gate.min_change=-0.5")
FIRST_RUN = (*SMALL_RUN, *EASY_GATE)
"""What the fixture `finished_workspace` was run with."""
LEAST_RUN = (
    "data.limit=200",
    "embedding.vocabulary_size=500",
    "trainer.epochs=1",
    "trainer.batch_size=64",
    "trainer.refit=false",
    "gate.min_accuracy=0.1",
    "gate.min_balanced_accuracy=off",
    "gate.min_examples=1",
    "infra.enabled=false",
)
"""A run whose model does not matter, and is promoted."""

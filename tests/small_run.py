"""Settings of a whole run in a few seconds: 600 of the packaged reviews and a small vocabulary."""

SMALL_RUN = ("data.limit=600", "embedding.vocabulary_size=2000", "trainer.batch_size=64", "trainer.epochs=6")

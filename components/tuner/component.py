"""The Tuner component."""

from pathlib import Path

from tfx.components.tuner.component import Tuner
from tfx.proto import trainer_pb2
from tfx.types import channel

from components.class_names import Names
from components.embeddings.locate import fingerprint
from components.embeddings.settings import EmbeddingSettings
from components.reviews import CLASSES
from components.trainer.settings import TrainerSettings
from components.tuner import fit_cache
from components.tuner.settings import TuneSettings

TUNER_FN = "components.tuner.search.tuner_fn"


def tuner(
    examples: channel.BaseChannel,
    *,
    tune: TuneSettings,
    trainer: TrainerSettings,
    embedding: EmbeddingSettings,
    cache_dir: Path,
    fits_dir: Path,
    classes: Names = CLASSES,
) -> Tuner:
    """TFX's Tuner on the splits `train` and `eval` of `examples`.

    It gives `best_hyperparameters` and `tuner_results`. The result of each fit is kept in `fits_dir`.
    """
    return Tuner(
        tuner_fn=TUNER_FN,
        examples=examples,
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config={
            "tune": tune.model_dump(mode="json"),
            "trainer": trainer.model_dump(mode="json"),
            "embedding": embedding.model_dump(mode="json"),
            "embedding_fingerprint": fingerprint(embedding, cache_dir=cache_dir),
            "cache_dir": str(cache_dir),
            "fits": str(fits_dir),
            "code": fit_cache.code(),
            **({"classes": list(classes)} if len(classes) > 2 else {}),
        },
    )

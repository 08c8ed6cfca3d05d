"""The Trainer component."""

from pathlib import Path
from typing import Any

from tfx.components.trainer.component import Trainer
from tfx.proto import trainer_pb2
from tfx.types import channel

from components.embeddings.locate import fingerprint
from components.embeddings.settings import EmbeddingSettings
from components.fingerprints import code_fingerprint
from components.reviews import CLASSES
from components.threshold import DEFAULT, ThresholdAim
from components.trainer.own_model.module_file import ModuleFile
from components.trainer.settings import TrainerSettings

RUN_FN = "components.trainer.train.run_fn"


def trainer(
    examples: channel.BaseChannel,
    *,
    settings: TrainerSettings,
    embedding: EmbeddingSettings,
    cache_dir: Path,
    classes: tuple[str, ...] = CLASSES,
    threshold: float | ThresholdAim = DEFAULT,
    module: ModuleFile | None = None,
    judged_split: str = "eval",
    base_model: channel.BaseChannel | None = None,
    schema: channel.BaseChannel | None = None,
) -> Trainer:
    """TFX's Trainer on the splits `train` and `eval` of `examples`; outputs `model` and `model_run`.

    Its cache key contains the settings, the content of the embedding and the source code of the training, so
    that an upgrade of either trains again.

    Args:
      classes: the labels that the model gives, the positive one last.
      threshold: of the positive class, or the aim for which it is chosen.
      module: the user's code that `settings.module` names. Its text is in the cache key, and is what runs.
        The embedding is neither used nor in the key then.
      judged_split: the split that the gate judges the model on; eval is never trained on then.
      base_model: the live model, which `settings.warm_start` may start from, or an artifact without a model
        if none is live. It is an input, so another live model trains again.
    """
    return Trainer(
        run_fn=RUN_FN,
        examples=examples,
        base_model=base_model,
        schema=schema,
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config={
            "trainer": settings.model_dump(mode="json"),
            **_model(module, embedding, cache_dir),
            **({"classes": list(classes)} if classes != CLASSES or module else {}),
            **({"threshold": _as_json(threshold)} if threshold != DEFAULT else {}),
            "cache_dir": str(cache_dir),
            "judged_split": judged_split,
            "code": code_fingerprint("components.trainer.train", "components.trainer.worker"),
        },
    )


def _as_json(threshold: float | ThresholdAim) -> float | dict[str, float]:
    if isinstance(threshold, ThresholdAim):
        return {threshold.kind: threshold.floor}
    return threshold


def _model(module: ModuleFile | None, embedding: EmbeddingSettings, cache_dir: Path) -> dict[str, Any]:
    """What decides the model beside the settings."""
    if module is not None:
        return {"module": module.model_dump(mode="json")}
    return {
        "embedding": embedding.model_dump(mode="json"),
        "embedding_fingerprint": fingerprint(embedding, cache_dir=cache_dir),
    }

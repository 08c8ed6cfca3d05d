"""run_fn: what TFX's Trainer calls. Load, build, fit, export."""

import json
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf
from pydantic import BaseModel, ConfigDict, ValidationError
from tfx.components.trainer.fn_args_utils import FnArgs

from components.embeddings.settings import EmbeddingSettings
from components.errors import InputError
from components.trainer import distribution, fitting, model, signatures, starts, workers
from components.trainer.preparation import Prepared, prepare
from components.trainer.settings import TrainerSettings

HISTORY = "history.json"
"""In the ModelRun artifact: a fitting.FitRecord."""


def run_fn(fn_args: FnArgs) -> None:
    """Trains on `fn_args.train_files` and `eval_files`; `component.trainer` made `fn_args.custom_config`."""
    config = fn_args.custom_config
    settings = TrainerSettings.model_validate(config["trainer"])
    job = Job(
        settings=settings,
        embedding=EmbeddingSettings.model_validate(config["embedding"]),
        cache_dir=Path(config["cache_dir"]),
        train_files=tuple(fn_args.train_files),
        eval_files=tuple(fn_args.eval_files),
        base_model=_existing(fn_args.base_model),
        model_dir=fn_args.serving_model_dir,
        run_dir=fn_args.model_run_dir,
    )
    if settings.strategy == "multi_worker":
        with tempfile.TemporaryDirectory(prefix="greenlight-training-") as folder:
            workers.run(job.save(Path(folder, "job.json")), workers=settings.workers)
    else:
        job.carry_out()


class Job(BaseModel):
    """One training from its reviews to its exported model, as several processes can be told of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: TrainerSettings
    embedding: EmbeddingSettings = EmbeddingSettings()
    cache_dir: Path
    train_files: tuple[str, ...]
    eval_files: tuple[str, ...]
    base_model: str | None = None
    model_dir: str
    run_dir: str

    @classmethod
    def load(cls, file: Path) -> "Job":
        """What `save` wrote.

        Raises:
          InputError: the file cannot be read, or holds no job.
        """
        try:
            return cls.model_validate_json(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"The job {file} cannot be read: {error.strerror or error}.") from None
        except ValidationError as error:
            (first, *_) = error.errors()
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(f"The job {file} is none: {where and f'{where}: '}{first['msg']}.") from None
        except ValueError:
            raise InputError(f"The job {file} is none: it is no text.") from None

    def save(self, file: Path) -> Path:
        """Writes it to `file`, which it returns."""
        file.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return file

    def carry_out(self, *, exports: bool = True) -> None:
        """Trains; only the process that exports leaves anything behind.

        Raises:
          GreenlightError: as `train`.
        """
        classifier, record = train(
            settings=self.settings,
            embedding_settings=self.embedding,
            cache_dir=self.cache_dir,
            train_files=list(self.train_files),
            eval_files=list(self.eval_files),
            base_model=self.base_model,
            log_dir=self.run_dir if exports else None,
        )
        if exports:
            signatures.export(classifier, self.model_dir)
            with tf.io.gfile.GFile(f"{self.run_dir}/{HISTORY}", "w") as file:
                file.write(json.dumps(record.as_dict(), indent=1) + "\n")


def train(
    *,
    settings: TrainerSettings,
    embedding_settings: EmbeddingSettings,
    cache_dir: Path,
    train_files: list[str],
    eval_files: list[str],
    base_model: str | None = None,
    log_dir: str | Path | None = None,
) -> tuple[model.Classifier, fitting.FitRecord]:
    """A trained classifier and the record of its fit; the same for the same settings and reviews.

    Args:
      train_files: patterns of GZIP TFRecords of reviews; eval_files likewise, for early stopping.
      cache_dir: where embeddings are kept between runs.
      base_model: the folder of the live model, for `settings.warm_start`; None where there is none.
      log_dir: where TensorBoard's logs go, if anywhere.

    Raises:
      GreenlightError: a split is empty, the embedding cannot be had or used, the fit diverged.
    """
    strategy = distribution.strategy_of(settings)
    prepared = prepare(
        settings, embedding_settings, cache_dir=cache_dir, train_files=train_files, eval_files=eval_files
    )
    return fit_prepared(prepared, settings, base_model=base_model, log_dir=log_dir, strategy=strategy)


def fit_prepared(
    prepared: Prepared,
    settings: TrainerSettings,
    *,
    base_model: str | None = None,
    log_dir: str | Path | None = None,
    strategy: Any = None,
) -> tuple[model.Classifier, fitting.FitRecord]:
    """`train` on what `prepare` made, for several fits of the same reviews.

    `settings` may differ from those of `prepare` in all but n-grams and memory. The fit is under
    `strategy`, of `tf.distribute`, or in this process alone.
    """
    return starts.fit(prepared, settings, base_model=base_model, log_dir=log_dir, strategy=strategy)


def _existing(base_model: str | None) -> str | None:
    """The folder of the live model; the stage that looks for one leaves no SavedModel where there is none."""
    return base_model if base_model and tf.saved_model.contains_saved_model(base_model) else None

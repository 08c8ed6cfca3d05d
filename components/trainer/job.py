"""The description of a training for several worker processes.

Light imports only: an invalid file is refused before TensorFlow is loaded.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from components.embeddings.settings import EmbeddingSettings
from components.errors import InputError
from components.reviews import CLASSES
from components.threshold import DEFAULT, ThresholdAim
from components.trainer.settings import TrainerSettings


class Job(BaseModel):
    """One training, from examples to exported model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: TrainerSettings
    classes: tuple[str, ...] = CLASSES
    threshold: float | ThresholdAim = DEFAULT
    embedding: EmbeddingSettings = EmbeddingSettings()
    cache_dir: Path
    train_files: tuple[str, ...]
    eval_files: tuple[str, ...]
    base_model: str | None = None
    judged_split: str = "eval"
    model_dir: str
    run_dir: str

    @classmethod
    def load(cls, file: Path) -> "Job":
        """The inverse of `save`.

        Raises:
          InputError: the file cannot be read, or is not a job.
        """
        try:
            return cls.model_validate_json(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"The job {file} cannot be read: {error.strerror or error}.") from None
        except ValidationError as error:
            (first, *_) = error.errors()
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(f"The job {file} is invalid: {where and f'{where}: '}{first['msg']}.") from None
        except ValueError:
            raise InputError(f"The job {file} is invalid: it is not text.") from None

    def save(self, file: Path) -> Path:
        """Writes the job to `file`; returns `file`."""
        file.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return file

"""The accuracy of the model of TFX's IMDB example on its own eval split.

    python -m benchmarks.tfx_example_accuracy HOME

HOME is the folder that the example ran in. Its model answers with logits, so the cut is at 0; TFMA as the
example configures it cuts at 0.5, which says less about the model than it could.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

PIPELINE = "imdb_native_keras"


def accuracy(home: Path) -> float:
    """Of the model trained last, whether it was pushed or not."""
    artifacts = home / "tfx" / "pipelines" / PIPELINE
    serving = tf.saved_model.load(str(_latest(artifacts / "Trainer" / "model") / "Format-Serving"))
    score = serving.signatures["serving_default"]
    files = sorted(map(str, (_latest(artifacts / "CsvExampleGen" / "examples") / "Split-eval").iterdir()))
    right = []
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(256):
        (logits,) = score(examples=batch).values()
        label = tf.io.parse_example(batch, {"label": tf.io.FixedLenFeature([], tf.int64)})["label"]
        right.append((logits.numpy()[:, 0] >= 0) == (label.numpy() == 1))
    return float(np.concatenate(right).mean())


def _latest(folder: Path) -> Path:
    return max((path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


if __name__ == "__main__":
    print(accuracy(Path(sys.argv[1])))

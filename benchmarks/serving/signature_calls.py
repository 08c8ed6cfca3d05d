"""The cost of a version's signature calls in an idle process, without a server.

python -m benchmarks.serving.signature_calls workspace/serving/imdb_sentiment/1 --batch-sizes 1,64
"""

import argparse
import json
import statistics
import time

from benchmarks.serving.http_load import texts

_SECONDS = 3.0


def measure(path: str, batch_sizes: list[int]) -> dict[int, float]:
    """The median milliseconds of a call of `serving_default`, for each batch size."""
    import tensorflow as tf

    signature = tf.saved_model.load(path).signatures["serving_default"]
    reviews = texts()
    medians = {}
    for size in batch_sizes:
        batches = [
            tf.constant(reviews[start : start + size]) for start in range(0, len(reviews) - size, size)
        ]
        for batch in batches[:10]:
            signature(text=batch)
        taken: list[float] = []
        until = time.perf_counter() + _SECONDS
        while time.perf_counter() < until:
            started = time.perf_counter()
            signature(text=batches[len(taken) % len(batches)])
            taken.append(time.perf_counter() - started)
        medians[size] = 1000 * statistics.median(taken)
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving.signature_calls",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("version", help="folder of a SavedModel")
    parser.add_argument("--batch-sizes", default="1,64", help="with commas")
    options = parser.parse_args()
    print(json.dumps(measure(options.version, [int(size) for size in options.batch_sizes.split(",")])))


if __name__ == "__main__":
    main()

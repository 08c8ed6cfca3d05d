"""Figures of a split from its TFDV statistics: counts, classes, lengths."""

from dataclasses import asdict, dataclass
from typing import Any

from tensorflow_metadata.proto.v0 import statistics_pb2

from components.class_names import Names
from components.reviews import CLASSES, LABEL, LENGTH, WORDS


@dataclass(frozen=True)
class SplitFacts:
    """The examples of one split."""

    examples: int
    negative: int
    positive: int
    """Labels other than 0 count here too; the schema forbids all but 1, or those of more classes."""
    words: tuple[float, ...]
    """The minimum, deciles and maximum of words per text: 11 approximate numbers; empty without examples."""
    mean_words: float
    lengths: dict[str, int]
    """Examples by length bucket."""
    missing: dict[str, int]
    """Feature -> number of examples without it."""
    class_counts: tuple[int, ...] = ()
    """Examples of each class, of more than two; else empty. `negative` and `positive` mean nothing then."""

    @property
    def positive_share(self) -> float:
        """Of the labeled examples, from 0 to 1; 0 if there is none."""
        labeled = self.negative + self.positive
        return self.positive / labeled if labeled else 0.0

    @property
    def median_words(self) -> float:
        return self.words[len(self.words) // 2] if self.words else 0.0

    @property
    def counts(self) -> tuple[int, ...]:
        """Examples of each class."""
        return self.class_counts or (self.negative, self.positive)

    def to_json(self, classes: Names = CLASSES) -> dict[str, Any]:
        """The facts with the examples of each class by name. With more than two classes, what is said of
        negative and positive is null.
        """
        facts = asdict(self) | {"positive_share": self.positive_share, "median_words": self.median_words}
        facts["classes"] = dict(zip(classes, self.counts, strict=True))
        del facts["class_counts"]
        if self.class_counts:
            facts |= dict.fromkeys(("negative", "positive", "positive_share"))
        return facts


def split_facts(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> SplitFacts:
    """The facts of a split from its StatisticsGen output (one dataset)."""
    dataset = statistics.datasets[0]
    features = {"/".join(feature.path.step) or feature.name: feature for feature in dataset.features}
    label = features[LABEL].num_stats if LABEL in features else statistics_pb2.NumericStatistics()
    words = features[WORDS].num_stats if WORDS in features else statistics_pb2.NumericStatistics()
    lengths = features[LENGTH].string_stats.rank_histogram.buckets if LENGTH in features else ()
    negative = int(label.num_zeros)
    return SplitFacts(
        examples=int(dataset.num_examples),
        negative=negative,
        positive=int(label.common_stats.num_non_missing) - negative,
        words=_quantiles(words),
        mean_words=words.mean,
        lengths={bucket.label: int(bucket.sample_count) for bucket in lengths},
        missing={
            name: int(missing)
            for name, feature in features.items()
            if (missing := _missing(feature, dataset))
        },
    )


def _quantiles(numbers: statistics_pb2.NumericStatistics) -> tuple[float, ...]:
    for histogram in numbers.histograms:
        if histogram.type == statistics_pb2.Histogram.QUANTILES and histogram.buckets:
            return (histogram.buckets[0].low_value, *(bucket.high_value for bucket in histogram.buckets))
    return ()


def _missing(
    feature: statistics_pb2.FeatureNameStatistics, dataset: statistics_pb2.DatasetFeatureStatistics
) -> float:
    kind = feature.WhichOneof("stats")
    return dataset.num_examples - getattr(feature, kind).common_stats.num_non_missing if kind else 0

"""Distances between features of two samples, by TensorFlow Data Validation's comparators."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

Measure = Literal["jensen_shannon_divergence", "l_infinity"]
Columns = Mapping[str, np.ndarray]
"""Feature name -> int [N], the bucket of each example that has one; N depends on the feature."""


def measure(
    reference: Columns, compared: Columns, measures: Mapping[str, Measure], *, served: bool
) -> dict[str, float]:
    """The distances between two sets of examples: feature name -> distance.

    Args:
      reference: the features of one set, each with at least one value.
      compared: the features of the other set.
      measures: feature name -> measure.
      served: whether `compared` was served: TFDV calls that comparison skew (training against serving), and
        a comparison of two data sets drift. The distance is the same.
    """
    schema = schema_pb2.Schema(
        feature=[_feature(name, distance, served=served) for name, distance in sorted(measures.items())]
    )
    ours, theirs = _statistics(compared), _statistics(reference)
    if served:
        anomalies = tfdv.validate_statistics(theirs, schema, serving_statistics=ours)
    else:
        anomalies = tfdv.validate_statistics(ours, schema, previous_statistics=theirs)
    found = {}
    for info in anomalies.drift_skew_info:
        for measurement in (*info.drift_measurements, *info.skew_measurements):
            found[info.path.step[0]] = measurement.value
    return found


def _feature(name: str, distance: Measure, *, served: bool) -> schema_pb2.Feature:
    feature = schema_pb2.Feature(name=name, type=schema_pb2.BYTES)
    comparator = feature.skew_comparator if served else feature.drift_comparator
    # TFDV measures only with a threshold; the real limits depend on the sizes and are applied elsewhere.
    if distance == "l_infinity":
        comparator.infinity_norm.threshold = 1.0
    else:
        comparator.jensen_shannon_divergence.threshold = 1.0
    return feature


def _statistics(columns: Columns) -> statistics_pb2.DatasetFeatureStatisticsList:
    # The series have different lengths: the frame is padded with values that TFDV counts as missing.
    series = {name: pd.Series(values.astype(str), dtype=object) for name, values in columns.items()}
    return tfdv.generate_statistics_from_dataframe(pd.DataFrame(series))

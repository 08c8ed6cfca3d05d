"""The classifier: model, n-grams, calibration, signatures; TensorFlow without TFX."""

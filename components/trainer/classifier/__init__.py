"""The classifier itself: model, n-grams, calibration, signatures; pure TensorFlow without TFX."""

"""The study of few labels: accuracy against the number of labeled examples."""

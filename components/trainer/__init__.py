"""The Trainer stage: a TF Hub text embedding as the first layer of a small classifier."""

"""Whether reviews are still like those that the live model was trained on."""

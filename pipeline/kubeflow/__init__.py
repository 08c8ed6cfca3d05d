"""Everything about Kubeflow: compiling for it, what runs in its pods, and talking to it."""

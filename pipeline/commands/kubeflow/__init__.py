"""Commands for Kubeflow: compile, submit, schedule."""

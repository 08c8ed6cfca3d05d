"""The InfraValidator stage: canary requests to the exported model in a fresh process."""

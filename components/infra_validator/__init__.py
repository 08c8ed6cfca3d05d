"""The check that the exported model really serves: a fresh process, canary requests, limits."""

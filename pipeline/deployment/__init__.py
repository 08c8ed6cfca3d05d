"""Rendered deployment files: Compose, KServe, CronJob."""

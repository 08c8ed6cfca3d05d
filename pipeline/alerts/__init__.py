"""Alerts: messages about runs and decisions, and their delivery."""

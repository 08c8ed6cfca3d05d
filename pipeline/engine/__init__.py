"""Stages and engines: pipeline definition, Beam orchestrator, runners."""

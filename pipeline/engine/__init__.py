"""The stages and how they are run: pipeline definition, Beam orchestrator, runners."""

"""The model in production, as an artifact that the Evaluator compares a candidate with."""

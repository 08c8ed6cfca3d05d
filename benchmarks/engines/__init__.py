"""Engines of Beam on this machine, for measurements and proofs."""

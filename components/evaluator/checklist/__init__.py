"""Sentences made by rule, in the manner of CheckList, and a sentiment model's answers to them."""

"""Analyzes performances: statistics, the tune, passages copied from training, and attention between notes."""

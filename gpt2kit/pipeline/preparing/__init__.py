"""Prepares a corpus of many files in parts, which processes share and an interruption leaves intact."""

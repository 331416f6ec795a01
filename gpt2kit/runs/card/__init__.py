"""The README.md of a run folder: what the model is, what it learned from, how well, and how it is used."""

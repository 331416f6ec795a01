"""The README.md of a run folder: what the model is, its training data, its scores and its usage."""

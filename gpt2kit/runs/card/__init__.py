"""The README.md of a run folder: its model, usage, training data, scores, samples and limits."""

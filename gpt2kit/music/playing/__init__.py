"""Controls a model while it plays: which events may follow, given notes, density and loudness."""

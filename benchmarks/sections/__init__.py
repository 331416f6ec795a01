"""The parts of gpu.py. Each is a function from `Work` to an iterator of figures, which are kept as they come."""

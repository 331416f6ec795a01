"""Trains the weights: the only training loop, its optimisers and its resumable state."""

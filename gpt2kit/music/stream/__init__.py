"""Performance events: notes as a stream of ids and back."""

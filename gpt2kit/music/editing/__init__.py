"""Adds a model's notes to a user's MIDI file, whose own messages stay unchanged."""

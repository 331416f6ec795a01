"""Folders and archives of MIDI files as pieces with their splits."""

"""Piano performances: notes, MIDI files, performance events, and their sound and pictures."""

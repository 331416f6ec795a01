"""A user's own MIDI file, in which all that is given stays as it is and new notes are added."""

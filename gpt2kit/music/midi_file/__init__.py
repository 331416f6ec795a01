"""Standard MIDI files: bytes, tracks and messages, as a player hears them."""

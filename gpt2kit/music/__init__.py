"""Piano performances: notes, MIDI files, performance events, and what can be heard and seen of them."""

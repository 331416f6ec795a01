"""Notes as pictures and as pages with a player."""

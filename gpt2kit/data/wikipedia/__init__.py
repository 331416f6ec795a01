"""Articles of Wikipedia as plain text."""

"""How tables are written: their rows, headers and pairs of columns."""

"""The parts of the task that plays: its records, its vocabulary and its layout."""

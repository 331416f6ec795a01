"""What can be said of music: statistics, its tune, what it copies, what a model looked back at."""

"""Piano music for `gpt2kit demo music`, and the program that composed it."""

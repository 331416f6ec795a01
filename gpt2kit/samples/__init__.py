"""What `gpt2kit demo` trains on: a small sample for every task that has a demo."""

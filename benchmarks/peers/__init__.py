"""What gpt2kit is measured against, and gpt2kit itself, as programs that take turns."""

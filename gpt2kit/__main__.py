"""`python -m gpt2kit`, which is also what torchrun starts."""

from gpt2kit.cli.app import main

main()

"""`python -m gpt2kit`, which torchrun also starts."""

from gpt2kit.cli.app import main

main()

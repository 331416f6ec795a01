"""Ten labelled passages for `gpt2kit demo finetune`, held-out ones, and the program that chose them.

They come from the invented articles of `gpt2kit.samples.summarize`, and share their MIT licence.
"""

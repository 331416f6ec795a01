"""Decodes a prompt to an answer: the only decoding loop, sampling, beam search."""

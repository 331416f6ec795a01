"""Proof, on a user's own run and machine, that it computes what it should."""

"""Checks that a user's own run computes correctly on their machine."""

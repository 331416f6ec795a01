"""Prepared folders and run folders: their contents, and the description of a run for people."""

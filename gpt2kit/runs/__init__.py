"""Prepared folders and run folders: what they say of themselves, and how a run is described for people."""

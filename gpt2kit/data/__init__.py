"""Reads a user's files, prepares them and forms batches of ids."""

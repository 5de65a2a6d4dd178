"""Saving a whole hub into a folder, and making a hub of it again."""

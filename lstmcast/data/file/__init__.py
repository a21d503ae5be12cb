"""A file as a table of text."""

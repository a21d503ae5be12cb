"""Symbols: which of V kinds comes at each of the next H steps."""

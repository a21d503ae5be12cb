"""Transforms, scaling, windows and sequences between a panel and a network."""

"""Bundled pretrained models, one folder for each class of data."""

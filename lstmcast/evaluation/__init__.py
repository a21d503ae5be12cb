"""Metrics, splits, skill and drift tests: arrays in, numbers out."""

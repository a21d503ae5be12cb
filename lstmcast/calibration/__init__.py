"""Calibration of intervals, sample paths and probabilities."""

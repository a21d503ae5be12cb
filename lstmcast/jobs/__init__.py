"""Scheduled jobs: run, score, compare, replay, alert, retrain."""

"""Forecasting of values: planning, fitting, ensembles, evaluation."""

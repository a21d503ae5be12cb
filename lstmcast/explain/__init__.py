"""Explanations of forecasts: gradients, attributions, unit correlations."""

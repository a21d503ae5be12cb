"""From a Panel to a Forecaster, and from a Forecaster to a Forecast."""

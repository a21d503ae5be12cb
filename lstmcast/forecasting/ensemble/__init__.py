"""The ensemble: its members, their weights, and the forecasts from past origins that both depend on."""

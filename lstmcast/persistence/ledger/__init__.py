"""The ledger: recorded data, runs, forecasts and retrains in SQLite."""

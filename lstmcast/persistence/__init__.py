"""Files, model versions, checkpoints and the ledger. No other package writes files."""

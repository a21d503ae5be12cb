"""What a schedule does: read, check, retrain when due, forecast, record, and say how it went."""

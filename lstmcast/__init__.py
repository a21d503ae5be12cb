"""lstmcast: an LSTM forecast from a CSV, judged honestly and fit for cron."""

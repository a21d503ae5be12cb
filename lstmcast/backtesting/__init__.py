"""Rolling-origin backtests."""

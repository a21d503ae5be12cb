"""The task of forecasting values."""

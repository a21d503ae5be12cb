"""The task of forecasting whether an event occurs."""

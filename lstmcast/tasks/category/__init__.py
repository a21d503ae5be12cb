"""The task of forecasting symbols."""

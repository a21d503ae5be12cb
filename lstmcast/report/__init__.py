"""Presentation of results: console, tables and figures."""

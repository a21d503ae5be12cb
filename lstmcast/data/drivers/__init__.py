"""Covariates: columns that explain the target, and their values ahead."""

"""The task of classifying whole series."""

"""Numbers: notation, signs around them, marks of missing values."""

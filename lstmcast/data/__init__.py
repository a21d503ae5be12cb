"""Reading of files into panels: columns, numbers, times, frequency, calendar and missing values."""

"""Reading of times: formats, time zones, frequencies and calendars."""

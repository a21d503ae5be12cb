"""The label head: a whole series is given one label."""

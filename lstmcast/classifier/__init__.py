"""Models that say probabilities: of an event, of symbols, of labels."""

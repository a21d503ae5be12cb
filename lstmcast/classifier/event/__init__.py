"""Events: the probability that something comes true at each of the next H steps."""

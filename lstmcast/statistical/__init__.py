"""Statistical methods: naive baselines, exponential smoothing, Theta, Markov chains."""

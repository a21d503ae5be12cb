"""LSTM networks: NumPy forward and backward pass, output heads, and training with Keras."""

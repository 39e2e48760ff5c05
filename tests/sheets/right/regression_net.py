import numpy as np


class Network:
    """One hidden layer; nothing is returned from a step."""

    def __init__(self, sizes):
        rng = np.random.default_rng(3)
        self.weights = [rng.normal(size=(a, b)) / np.sqrt(a) for a, b in zip(sizes, sizes[1:])]
        self.biases = [np.zeros(b) for b in sizes[1:]]

    def forward(self, x):
        self.activations = [x]
        for n, (w, b) in enumerate(zip(self.weights, self.biases)):
            z = self.activations[-1] @ w + b
            last = n == len(self.weights) - 1
            self.activations.append(z if last else np.tanh(z))
        return self.activations[-1]

    def train_step(self, x, y, learning_rate):
        out = self.forward(x)
        delta = 2 * (out - y) / out.size
        for n in reversed(range(len(self.weights))):
            a = self.activations[n]
            dw, db = a.T @ delta, delta.sum(axis=0)
            if n:
                delta = (delta @ self.weights[n].T) * (1 - a**2)
            self.weights[n] -= learning_rate * dw
            self.biases[n] -= learning_rate * db

import numpy as np


class Linear:
    """Takes one sample, as a vector."""

    def __init__(self, n_inputs, n_outputs):
        self.w = np.random.randn(n_outputs, n_inputs)
        self.b = np.random.randn(n_outputs)

    def forward(self, x):
        self.x = np.asarray(x).reshape(self.w.shape[1])
        return self.w.dot(self.x) + self.b

    def backward(self, delta):
        self.grad_w = np.outer(delta, self.x)
        self.grad_b = delta
        return self.w.T.dot(delta)

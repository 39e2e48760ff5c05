import numpy as np


class Layer:
    def __init__(self):
        self.params = {}
        self.grads = {}

    def __call__(self, x):
        raise NotImplementedError

    def backward(self, g):
        raise NotImplementedError


class Dense(Layer):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.params["W"] = np.random.randn(in_features, out_features) / np.sqrt(in_features)
        self.params["b"] = np.zeros((1, out_features))

    def __call__(self, x):
        self._x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, g):
        self.grads["W"] = self._x.T @ g
        self.grads["b"] = g.sum(axis=0, keepdims=True)
        return g @ self.params["W"].T

    def step(self, lr):
        for key in self.params:
            self.params[key] = self.params[key] - lr * self.grads[key]


class LayerNorm(Layer):
    def __init__(self, features, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.params["gamma"] = np.ones(features)
        self.params["beta"] = np.zeros(features)

    def __call__(self, x):
        mean = x.mean(axis=-1, keepdims=True)
        var = x.var(axis=-1, keepdims=True)
        self._r = 1 / np.sqrt(var + self.eps)
        self._n = (x - mean) * self._r
        return self.params["gamma"] * self._n + self.params["beta"]

    def backward(self, g):
        self.grads["gamma"] = (g * self._n).sum(axis=0)
        self.grads["beta"] = g.sum(axis=0)
        h = g * self.params["gamma"]
        inner = (h * self._n).mean(axis=-1, keepdims=True)
        return self._r * (h - h.mean(axis=-1, keepdims=True) - self._n * inner)


class Dropout(Layer):
    def __init__(self, rate, rng=None):
        super().__init__()
        self.rate = rate
        self.rng = rng or np.random.default_rng()

    def __call__(self, x, training=True):
        if not training:
            return x
        self._mask = (self.rng.random(x.shape) >= self.rate) / (1 - self.rate)
        return x * self._mask

    def backward(self, g):
        return g * self._mask

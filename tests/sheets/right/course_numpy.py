import numpy as np


class Linear:
    def __init__(self, n_in, n_out, seed=0):
        rng = np.random.default_rng(seed)
        self.W = rng.normal(0, np.sqrt(2 / n_in), size=(n_in, n_out))
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T

    def update(self, lr):
        self.W -= lr * self.dW
        self.b -= lr * self.db


class ReLU:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, grad):
        return np.where(self.x > 0, grad, 0)


class Sigmoid:
    def forward(self, x):
        self.x = x
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, grad):
        return grad * self.y * (1 - self.y)


class Tanh:
    def forward(self, x):
        self.x = x
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad):
        return grad * (1 - self.y**2)


class Softmax:
    def forward(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, grad):
        dz = np.empty_like(grad)
        for i, (p, g) in enumerate(zip(self.p, grad)):
            jacobian = np.diag(p) - np.outer(p, p)
            dz[i] = jacobian @ g
        return dz


class CrossEntropyLoss:
    def forward(self, p, t):
        self.p = np.clip(p, 1e-12, None)
        self.t = t
        self.above = p > 1e-12
        return -np.mean(np.sum(t * np.log(self.p), axis=1))

    def backward(self):
        return np.where(self.above, -self.t / self.p, 0) / len(self.t)


class MLP:
    def __init__(self, n_in, n_hidden, n_out):
        self.layers = [Linear(n_in, n_hidden), Tanh(), Linear(n_hidden, n_out, 1), Softmax()]
        self.loss = CrossEntropyLoss()

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def training_step(self, x, t, lr):
        p = self.forward(x)
        loss = self.loss.forward(p, t)
        grad = self.loss.backward()
        for layer in self.layers[::-1]:
            grad = layer.backward(grad)
        for layer in self.layers:
            if hasattr(layer, "update"):
                layer.update(lr)
        return loss

import numpy as np


class MeanSquaredError:
    def forward(self, prediction, target):
        self.difference = prediction - target
        return (self.difference**2).mean()

    def backward(self):
        return 2 * self.difference / self.difference.size


class BinaryCrossEntropy:
    def __init__(self, eps=1e-9):
        self.eps = eps

    def forward(self, p, t):
        self.p, self.t = p, t
        q = np.clip(p, self.eps, 1 - self.eps)
        return -np.mean(t * np.log(q) + (1 - t) * np.log(1 - q))

    def backward(self):
        q = np.clip(self.p, self.eps, 1 - self.eps)
        inside = (self.p > self.eps) & (self.p < 1 - self.eps)
        return inside * (q - self.t) / (q * (1 - q)) / self.t.size


class CrossEntropyWithLogits:
    def __call__(self, logits, labels):
        shifted = logits - logits.max(axis=1, keepdims=True)
        logsum = np.log(np.exp(shifted).sum(axis=1))
        self.p = np.exp(shifted - logsum[:, None])
        self.labels = labels
        return np.mean(logsum - shifted[np.arange(len(labels)), labels])

    def backward(self):
        grad = self.p.copy()
        grad[np.arange(len(self.labels)), self.labels] -= 1.0
        return grad / len(self.labels)


def hinge(scores, y):
    margins = np.maximum(0, scores - scores[np.arange(len(y)), y][:, None] + 1)
    margins[np.arange(len(y)), y] = 0
    return margins.sum()


def hinge_grad(scores, y):
    margins = scores - scores[np.arange(len(y)), y][:, None] + 1
    grad = (margins > 0).astype(float)
    grad[np.arange(len(y)), y] = 0
    grad[np.arange(len(y)), y] = -grad.sum(axis=1)
    return grad

"""Closures: forward returns its output and the function that goes back."""

import numpy as np


def linear(x, W, b):
    y = x @ W + b

    def back(g):
        return g @ W.T, x.T @ g, g.sum(axis=0)

    return y, back


def relu(x):
    mask = x > 0

    def back(g):
        return g * mask

    return x * mask, back


def softmax_cross_entropy(z, labels):
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    n = len(labels)

    def back():
        g = p.copy()
        g[range(n), labels] -= 1
        return g / n

    return -np.log(p[range(n), labels]).mean(), back

import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def tanh(x):
    return np.tanh(x)


def tanh_derivative(x):
    return 1 - np.tanh(x) ** 2


def leaky_relu(x, alpha=0.1):
    return np.where(x > 0, x, alpha * x)


def leaky_relu_derivative(x, alpha=0.1):
    return np.where(x > 0, 1.0, alpha)


def elu(x):
    return np.where(x > 0, x, np.exp(x) - 1)


def d_elu(x):
    return np.where(x > 0, 1.0, np.exp(x))


def softplus(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


def softplus_grad(x):
    return sigmoid(x)


def swish(x):
    return x * sigmoid(x)


def swish_backward(grad_output, x):
    s = sigmoid(x)
    return grad_output * (s + x * s * (1 - s))


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def softmax_jacobian(z):
    p = softmax(z)
    return np.diag(p) - np.outer(p, p)


def mse(y_pred, y_true):
    return np.mean((y_pred - y_true) ** 2)


def mse_derivative(y_pred, y_true):
    return 2 * (y_pred - y_true) / y_true.size

import numpy as np


class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = np.zeros_like(data)


class Module:
    def parameters(self):
        return [v for v in vars(self).values() if isinstance(v, Parameter)]

    def zero_grad(self):
        for p in self.parameters():
            p.grad[:] = 0


class Linear(Module):
    def __init__(self, d_in, d_out):
        self.weight = Parameter(np.random.randn(d_out, d_in) * 0.1)
        self.bias = Parameter(np.zeros(d_out))

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.weight.data.T + self.bias.data

    def backward(self, grad_output):
        self.weight.grad += grad_output.T @ self.inputs
        self.bias.grad += grad_output.sum(0)
        return grad_output @ self.weight.data


class LeakyReLU(Module):
    def __init__(self, slope=0.1):
        self.slope = slope

    def forward(self, inputs):
        self.inputs = inputs
        return np.where(inputs > 0, inputs, self.slope * inputs)

    def backward(self, grad_output):
        return grad_output * np.where(self.inputs > 0, 1, self.slope)


class Sequential(Module):
    def __init__(self, *layers):
        self.layers = layers

    def zero_grad(self):
        for layer in self.layers:
            layer.zero_grad()

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, g):
        for layer in reversed(self.layers):
            g = layer.backward(g)
        return g

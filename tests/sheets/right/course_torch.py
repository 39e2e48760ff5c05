"""Layers that remember, in torch, as a course hands them out."""

import torch

class Linear:
    def __init__(self, inputs, outputs):
        self.weight = torch.randn(inputs, outputs)
        self.bias = torch.zeros(outputs)

    def forward(self, x, remember=True):
        if remember:
            self.x = x
        return x @ self.weight + self.bias

    def backward(self, gradient):
        self.grad_weight = self.x.T @ gradient
        self.grad_bias = gradient.sum(dim=0)
        return gradient @ self.weight.T

    def update(self, learning_rate):
        self.weight -= learning_rate * self.grad_weight
        self.bias -= learning_rate * self.grad_bias


class ReLU:
    def forward(self, x, remember=True):
        if remember:
            self.mask = x > 0
        return torch.clamp(x, min=0)

    def backward(self, gradient):
        return gradient * self.mask

    def update(self, learning_rate):
        pass


class Softmax:
    def forward(self, x, remember=True):
        e = torch.exp(x - x.max(dim=1, keepdim=True).values)
        p = e / e.sum(dim=1, keepdim=True)
        if remember:
            self.p = p
        return p

    def backward(self, gradient):
        inner = (gradient * self.p).sum(dim=1, keepdim=True)
        return self.p * (gradient - inner)

    def update(self, learning_rate):
        pass


class CrossEntropyLoss:
    def forward(self, p, y):
        self.p, self.y = p, y
        return -torch.log(p[range(len(y)), y]).mean()

    def backward(self):
        gradient = torch.zeros_like(self.p)
        rows = range(len(self.y))
        gradient[rows, self.y] = -1 / self.p[rows, self.y] / len(self.y)
        return gradient


class MLP:
    def __init__(self, inputs, hidden, outputs):
        self.layers = [Linear(inputs, hidden), ReLU(), Linear(hidden, outputs), Softmax()]
        self.loss = CrossEntropyLoss()

    def forward(self, x, remember=True):
        for layer in self.layers:
            x = layer.forward(x, remember)
        return x

    def training_step(self, x, y, learning_rate):
        loss = self.loss.forward(self.forward(x), y)
        gradient = self.loss.backward()
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        for layer in self.layers:
            layer.update(learning_rate)
        return loss

import numpy as np
from math import exp
def sigmoid(x):
    return 1/(1+exp(-x))
def sigmoid_derivative(x):
    return sigmoid(x)*(1-sigmoid(x))
def relu(x):
    if x > 0: return x
    return 0
def relu_derivative(x):
    return 1 if x > 0 else 0
def predict(x): return x
class Perceptron:
    def __init__(self, n): self.w=[0.0]*n; self.b=0.0
    def forward(self, x): return sum(w*xi for w,xi in zip(self.w,x))+self.b
    def train(self, xs, ys): pass
class Neuron:
    def __init__(self, n_inputs):
        self.w = np.random.randn(n_inputs); self.b = 0.1
    def forward(self, x):
        self.x = x
        self.out = np.tanh(x @ self.w + self.b)
        return self.out
    def backward(self, d):
        dz = d*(1-self.out**2)
        self.dw = self.x.T @ dz
        self.db = dz.sum()
        return np.outer(dz, self.w)

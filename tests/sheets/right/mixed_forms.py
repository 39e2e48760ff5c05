"""A static layer, a bias that may be None, gradients in a dict."""
import numpy as np
class Tensor:
    pass
class Act:
    @staticmethod
    def forward(x): return np.tanh(x)
    @staticmethod
    def backward(x, grad): return grad*(1-np.tanh(x)**2)
sigmoid = lambda x: 1/(1+np.exp(-x))
dsigmoid = lambda x: sigmoid(x)*(1-sigmoid(x))
class Linear:
    def __init__(self, in_features: int, out_features: int, bias: bool = True):
        self.weight = np.random.randn(in_features, out_features)
        self.bias = np.zeros(out_features) if bias else None
        self.cache = None
    def forward(self, x: np.ndarray) -> np.ndarray:
        self.cache = (x,)
        out = x @ self.weight
        if self.bias is not None: out += self.bias
        return out
    def backward(self, grad_out):
        (x,) = self.cache
        self.grads = {"weight": x.T @ grad_out, "bias": grad_out.sum(0)}
        return grad_out @ self.weight.T
class Model:
    def __init__(self, sizes=(5, 4, 3)):
        self.layers = [Linear(a, b) for a, b in zip(sizes, sizes[1:])]
    def forward(self, x):
        for l in self.layers[:-1]: x = np.maximum(l.forward(x), 0)
        return self.layers[-1].forward(x)
    def parameters(self): return [l.weight for l in self.layers]
def numerical_gradient(f, x):
    return x

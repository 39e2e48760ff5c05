"""Softmax and cross-entropy share out one derivative."""
import torch
class Softmax:
    def forward(self, x):
        self.out = torch.softmax(x, dim=1)
        return self.out
    def backward(self, grad):
        return grad
class CrossEntropy:
    def forward(self, p, y):
        self.p, self.y = p, y
        return -torch.log(p[torch.arange(len(y)), y] + 1e-12).mean()
    def backward(self):
        g = self.p.clone()
        g[torch.arange(len(self.y)), self.y] -= 1
        return g / len(self.y)
class Net:
    def __init__(self, d_in=5, d_hid=4, d_out=3):
        self.W1 = torch.randn(d_in, d_hid) * 0.1
        self.b1 = torch.zeros(d_hid)
        self.W2 = torch.randn(d_hid, d_out) * 0.1
        self.b2 = torch.zeros(d_out)
    def forward(self, x):
        self.x = x
        self.z1 = x @ self.W1 + self.b1
        self.h = self.z1.clamp(min=0)
        self.z2 = self.h @ self.W2 + self.b2
        self.p = torch.softmax(self.z2, dim=1)
        return self.p
    def backward(self, y):
        n = len(y)
        dz2 = self.p.clone()
        dz2[torch.arange(n), y] -= 1
        dz2 /= n
        self.dW2 = self.h.T @ dz2
        self.db2 = dz2.sum(0)
        dh = dz2 @ self.W2.T
        dz1 = dh * (self.z1 > 0)
        self.dW1 = self.x.T @ dz1
        self.db1 = dz1.sum(0)
    def update(self, lr):
        self.W1 -= lr * self.dW1
        self.b1 -= lr * self.db1
        self.W2 -= lr * self.dW2
        self.b2 -= lr * self.db2

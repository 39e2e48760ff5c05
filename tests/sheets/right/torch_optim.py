import torch
from torch import nn
class Net(nn.Module):
    def __init__(self, n_in=5, n_out=3):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, 8), nn.ReLU(), nn.Linear(8, n_out))
        self.opt = torch.optim.SGD(self.parameters(), lr=0.1)
        self.loss_fn = nn.CrossEntropyLoss()
    def forward(self, x): return self.net(x)
    def training_step(self, x, y):
        self.opt.zero_grad()
        loss = self.loss_fn(self(x), y)
        loss.backward()
        self.opt.step()
        return loss.item()
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g*(x>0)
class Scale(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.s = nn.Parameter(torch.ones(dim))
    def forward(self, x): self.x = x; return x*self.s
    def backward(self, g): self.s.grad = (g*self.x).sum(0); return g*self.s

"""Losses of any numbers, not of probabilities."""

import torch


class BCEWithLogits:
    def __call__(self, logits, target):
        self.logits, self.target = logits, target
        return (
            torch.clamp(logits, min=0)
            - logits * target
            + torch.log1p(torch.exp(-logits.abs()))
        ).mean()

    def backward(self):
        return (torch.sigmoid(self.logits) - self.target) / self.logits.numel()


class L1Loss:
    def __call__(self, pred, target):
        self.diff = pred - target
        return self.diff.abs().mean()

    def backward(self):
        return torch.sign(self.diff) / self.diff.numel()


class NLLLoss:
    def forward(self, log_probs, target):
        self.n, self.c = log_probs.shape
        self.target = target
        return -log_probs[torch.arange(self.n), target].sum() / self.n

    def backward(self):
        g = torch.zeros(self.n, self.c)
        g[torch.arange(self.n), self.target] = -1 / self.n
        return g


def huber(y_pred, y_true, delta=1.0):
    e = y_pred - y_true
    small = torch.abs(e) <= delta
    return torch.mean(
        torch.where(small, 0.5 * e**2, delta * (torch.abs(e) - 0.5 * delta))
    )


def huber_grad(y_pred, y_true, delta=1.0):
    e = y_pred - y_true
    return torch.clip(e, -delta, delta) / e.numel()

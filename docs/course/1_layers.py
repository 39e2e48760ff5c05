# %% [markdown]
# # 1. Layers by hand
#
# Fill the gaps: each is a line that raises `NotImplementedError`. Inputs are arrays of
# shape (samples, features). `forward` keeps what `backward` needs; `backward(gradient)`
# takes ∂L/∂Y, of the shape of the outputs, and returns ∂L/∂X, of that of the inputs.
#
# Check what you have at any time:
#
#     layerwise gradcheck 1_layers.py
#     layerwise gradcheck 1_layers.py:Linear

# %%
import numpy as np

# %% [markdown]
# ## Linear
#
# Y = X W + b. The loss is a mean over the samples. That mean belongs into the loss,
# once: here gradients are **summed** over the samples.


# %%
class Linear:
    def __init__(self, n_inputs, n_outputs, seed=0):
        random = np.random.default_rng(seed)
        self.W = random.normal(0, np.sqrt(2 / n_inputs), (n_inputs, n_outputs))
        self.b = np.zeros(n_outputs)

    def forward(self, x):
        # Your code here.
        raise NotImplementedError

    def backward(self, gradient):
        """Keep ∂L/∂W and ∂L/∂b as self.dW and self.db; return ∂L/∂X."""
        # Your code here.
        raise NotImplementedError

    def update(self, learning_rate):
        """Take one step of gradient descent."""
        # Your code here.
        raise NotImplementedError


# %% [markdown]
# ## ReLU
#
# Y = max(X, 0). Which inputs let the gradient through?


# %%
class ReLU:
    def forward(self, x):
        # Your code here.
        raise NotImplementedError

    def backward(self, gradient):
        # Your code here.
        raise NotImplementedError


# %% [markdown]
# ## Softmax
#
# P = exp(X) / Σ exp(X), row by row. Subtract each row's largest entry first: it changes
# nothing but prevents an overflow. Each output depends on all inputs of its row, so
# ∂L/∂X = P (G − Σ G P).


# %%
class Softmax:
    def forward(self, x):
        # Your code here.
        raise NotImplementedError

    def backward(self, gradient):
        # Your code here.
        raise NotImplementedError


# %% [markdown]
# ## Cross-entropy
#
# L = mean(−Σ t log p), with targets t that are one-hot. A probability of 0 would make
# the loss infinite: take p + 1e-12 in place of p, in the loss and in its gradient.


# %%
class CrossEntropyLoss:
    def forward(self, p, t):
        # Your code here.
        raise NotImplementedError

    def backward(self):
        # Your code here.
        raise NotImplementedError


# %% [markdown]
# ## The network
#
# `training_step` runs forward, backward and the update, and returns the loss before
# the update. Gradients flow through the layers in reverse order.


# %%
class MLP:
    def __init__(self, n_inputs, n_hidden, n_outputs):
        hidden, output = Linear(n_inputs, n_hidden), Linear(n_hidden, n_outputs, seed=1)
        self.layers = [hidden, ReLU(), output, Softmax()]
        self.loss = CrossEntropyLoss()

    def forward(self, x):
        # Your code here.
        raise NotImplementedError

    def training_step(self, x, t, learning_rate):
        # Your code here.
        raise NotImplementedError


# %% [markdown]
# ## Moons
#
# Two interleaved half-moons. A straight line gets 88 % right; how many does your network
# get? (98 % or more, if all is well.) What lies under `if __name__ == "__main__":` runs
# here, and not while the sheet is marked.

# %%
if __name__ == "__main__":
    import layerwise as lw

    moons = lw.load("moons", seed=2)
    network = MLP(2, 30, 2)
    random = np.random.default_rng(0)
    for epoch in range(10):
        losses = []
        order = random.permutation(len(moons.train.targets))
        for batch in np.array_split(order, len(order) // 32):
            targets = np.eye(2)[moons.train.targets[batch]]
            inputs = moons.train.inputs[batch]
            losses.append(network.training_step(inputs, targets, 0.1))
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")
    answers = network.forward(moons.test.inputs).argmax(axis=1)
    accuracy = np.mean(answers == moons.test.targets)
    print(f"test accuracy {accuracy:.1%}")
    assert accuracy > 0.98

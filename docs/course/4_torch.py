# %% [markdown]
# # 4. A network in PyTorch, and its hidden layers
#
# PyTorch differentiates for you. You write one backward pass yourself, then train a
# network, and see in which layer each class becomes separable.
# You need `pip install 'layerwise[torch]'`.
#
#     layerwise gradcheck 4_torch.py

# %%
import torch
from torch import nn

# %% [markdown]
# ## One derivative by hand
#
# SiLU: Y = X σ(X), with σ(X) = 1 / (1 + exp(−X)), whose derivative is σ (1 − σ).


# %%
class SiLU:
    def forward(self, x):
        # Your code here.
        raise NotImplementedError

    def backward(self, gradient):
        # Your code here.
        raise NotImplementedError


# %% [markdown]
# ## The network
#
# 784 inputs, `depth` hidden layers of 100 with ReLU, 10 outputs. No softmax at the end:
# `cross_entropy` has it inside.


# %%
def build(depth=3):
    """Return an nn.Sequential."""
    # Your code here.
    raise NotImplementedError


# %% [markdown]
# ## The training
#
# For each batch: gradients to zero, loss, backward, step.


# %%
def train(network, x, y, epochs=5):
    """Train with Adam on batches of 64."""
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(64):
            # Your code here.
            raise NotImplementedError


# %%
if __name__ == "__main__":
    import layerwise as lw

    def first(samples, n):
        """Return the first n images as rows of numbers from 0 to 1."""
        inputs = samples.inputs[:n].reshape(n, -1).astype("float32") / 255
        return lw.Samples(inputs, samples.targets[:n])

    mnist = lw.load("mnist")
    training, test = first(mnist.train, 30_000), first(mnist.test, 10_000)
    torch.manual_seed(0)
    network = build()
    x = torch.tensor(training.inputs)
    train(network, x, torch.tensor(training.targets, dtype=torch.int64))

# %% [markdown]
# ## Inside
#
# `lw.inspect` fits a linear probe to each layer's outputs on training samples, and
# scores it on test samples. `probe_recall` is its share of right answers for each
# class, `separation` the distance of two classes' means in standard deviations within.


# %%
def separable(layer, recall=0.95):
    """Return the classes that the layer's linear probe reads at least that well."""
    # Your code here.
    raise NotImplementedError


# %% [markdown]
# Layers have the names that they have in the module: 0, 2, 4 with their ReLU, and 6.
# Which classes are separable after the first, which only in the last hidden layer?
# Which two are closest there, and would you confuse them too?

# %%
if __name__ == "__main__":
    network.eval()
    study = lw.inspect(network, test, fit_on=training)
    for layer in study.layers:
        print(f"{layer.name}: probe accuracy {layer.probe_accuracy.value:.1%}")
        print(f"  separable: {', '.join(map(str, separable(layer)))}")
    distances = torch.tensor(study.layers[-2].separation).fill_diagonal_(torch.inf)
    print("closest in the last hidden layer:", divmod(int(distances.argmin()), 10))
    for finding in study.findings:
        print("•", finding.headline)
    assert len(separable(study.layers[-2])) > len(separable(study.layers[0]))

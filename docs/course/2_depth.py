# %% [markdown]
# # 2. Depth and initialisation
#
# The mean square of a layer's outputs is multiplied, from layer to layer, by a factor
# that the weights decide. Through many layers that explodes or vanishes; the gradients
# do the same on their way back. Here you see it, and cure it.
#
#     layerwise gradcheck 2_depth.py

# %%
import numpy as np

# %% [markdown]
# ## Which standard deviation?
#
# A layer has `n_inputs` inputs and weights of mean 0 and variance v. Its outputs before
# ReLU have the variance n_inputs · v · (mean square of its inputs), and ReLU keeps half
# of the mean square. Which v keeps the mean square as it is?


# %%
def he_deviation(n_inputs):
    """Return the standard deviation of weights that keeps the mean square."""
    # Your code here.
    raise NotImplementedError


# %% [markdown]
# ## A network of any depth
#
# As in sheet 1, but with lists of weights and biases: ReLU after every layer but the
# last, and softmax with cross-entropy in one. Its gradient by the logits is (P − T) / n.


# %%
class DeepNetwork:
    def __init__(self, widths, deviation=he_deviation, seed=0):
        random = np.random.default_rng(seed)
        self.weights = [
            random.normal(0, deviation(n), (n, m))
            for n, m in zip(widths, widths[1:], strict=False)
        ]
        self.biases = [np.zeros(m) for m in widths[1:]]

    def forward(self, x):
        """Return the logits; keep every layer's inputs in self.inputs."""
        # Your code here.
        raise NotImplementedError

    def backward(self, gradient):
        """Keep self.weight_gradients and self.bias_gradients, lists in order."""
        # Your code here.
        raise NotImplementedError

    def training_step(self, x, t, learning_rate):
        """Take one step; return the loss before it."""
        # Your code here.
        raise NotImplementedError


# %% [markdown]
# ## The explosion
#
# Eight layers of 30, with weights from N(0, 1). By which factor does each layer multiply
# the mean square? Compare it with n_inputs · v / 2 = 15.


# %%
def mean_squares(network, x):
    """Return the mean square of each layer's inputs."""
    # Your code here.
    raise NotImplementedError


# %%
if __name__ == "__main__":
    import layerwise as lw

    def one(n_inputs):
        return 1.0

    widths = [2] + [30] * 8 + [2]
    moons = lw.load("moons", seed=2)
    x, t = moons.train.inputs, np.eye(2)[moons.train.targets]
    sizes = {}
    for name, deviation in {"N(0, 1)": one, "He": he_deviation}.items():
        sizes[name] = mean_squares(DeepNetwork(widths, deviation), x)
        print(f"{name}: " + ", ".join(f"{size:.3g}" for size in sizes[name]))
    assert sizes["N(0, 1)"][-1] > 1e6
    assert 0.01 < sizes["He"][-1] < 100

# %% [markdown]
# ## The cure
#
# The same 500 steps from both. What does the loss do in the first few?

# %%
if __name__ == "__main__":
    trained = {}
    for name, deviation in {"N(0, 1)": one, "He": he_deviation}.items():
        network = DeepNetwork(widths, deviation)
        random = np.random.default_rng(0)
        losses = []
        with np.errstate(all="ignore"):
            for _ in range(500):
                batch = random.integers(0, len(x), 32)
                losses.append(network.training_step(x[batch], t[batch], 0.05))
            answers = network.forward(moons.test.inputs).argmax(axis=1)
        trained[name] = np.mean(answers == moons.test.targets)
        print(f"{name}: losses {losses[0]:.3g}, {losses[1]:.3g}, … {losses[-1]:.3g}")
        print(f"{name}: test accuracy {trained[name]:.1%}")
    assert trained["He"] > 0.95 > trained["N(0, 1)"]

# %% [markdown]
# `layerwise train moons --hidden 30x8 --init normal --optimizer sgd` trains the same
# network, and `layerwise diagnose --fix` finds the cause and the cure.

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
    ### BEGIN SOLUTION
    return np.sqrt(2 / n_inputs)
    ### END SOLUTION


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
        ### BEGIN SOLUTION
        self.inputs = []
        for number, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            self.inputs.append(x)
            x = x @ w + b
            if number < len(self.weights) - 1:
                x = np.maximum(x, 0)
        return x
        ### END SOLUTION

    def backward(self, gradient):
        """Keep self.weight_gradients and self.bias_gradients, lists in order."""
        ### BEGIN SOLUTION
        self.weight_gradients, self.bias_gradients = [], []
        for w, x in zip(reversed(self.weights), reversed(self.inputs), strict=True):
            self.weight_gradients.insert(0, x.T @ gradient)
            self.bias_gradients.insert(0, gradient.sum(axis=0))
            # The inputs are the outputs of the ReLU before; the first have none.
            gradient = (gradient @ w.T) * (x > 0)
        ### END SOLUTION

    def training_step(self, x, t, learning_rate):
        """Take one step; return the loss before it."""
        ### BEGIN SOLUTION
        logits = self.forward(x)
        logits = logits - logits.max(axis=1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        self.backward((np.exp(log_p) - t) / len(t))
        for w, dw in zip(self.weights, self.weight_gradients, strict=True):
            w -= learning_rate * dw
        for b, db in zip(self.biases, self.bias_gradients, strict=True):
            b -= learning_rate * db
        return -np.mean(np.sum(t * log_p, axis=1))
        ### END SOLUTION


# %% [markdown]
# ## The explosion
#
# Eight layers of 30, with weights from N(0, 1). By which factor does each layer multiply
# the mean square? Compare it with n_inputs · v / 2 = 15.


# %%
def mean_squares(network, x):
    """Return the mean square of each layer's inputs."""
    ### BEGIN SOLUTION
    network.forward(x)
    return [np.mean(inputs**2) for inputs in network.inputs]
    ### END SOLUTION


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

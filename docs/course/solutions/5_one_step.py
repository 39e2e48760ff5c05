# %% [markdown]
# # 5. One training step with every number
#
# A network with 2 inputs, 3 hidden units and 2 classes, two samples, one step. First by
# hand, on paper; then in code; then beside the numbers of `layerwise explain`:
#
#     layerwise explain moons --hidden 3 --step 1

# %%
import numpy as np

# %% [markdown]
# ## By hand
#
# The step starts from these numbers. On paper, with two digits: what are the hidden
# outputs? Which hidden unit is 0 for both samples, and what does that make of its
# gradients? What is the loss? (ln 2 = 0.69 would be a guess.)

# %%
X = np.array([[0.0119, 1.1780], [-0.1292, 1.3875]])
T = np.array([[1.0, 0.0], [1.0, 0.0]])
W1 = np.array([[0.1257, -0.1321, 0.6404], [0.1049, -0.5357, 0.3616]])
W2 = np.array([[1.0647, 0.7733], [-0.5746, -1.0332], [-0.5089, 0.0337]])

# %% [markdown]
# ## In code
#
# The same in NumPy, without layers: every gradient is one line. Softmax and
# cross-entropy together have a short gradient by the logits: (P − T) / n.


# %%
class TwoLayerNet:
    def __init__(self, n_inputs, n_hidden, n_outputs):
        random = np.random.default_rng(0)
        self.W1 = random.normal(0, 0.5, (n_inputs, n_hidden))
        self.b1 = np.zeros(n_hidden)
        self.W2 = random.normal(0, 0.5, (n_hidden, n_outputs))
        self.b2 = np.zeros(n_outputs)

    def loss(self, x, t):
        """Keep what `gradient` needs; return the loss."""
        ### BEGIN SOLUTION
        self.z = x @ self.W1 + self.b1
        self.h = np.maximum(self.z, 0)
        y = self.h @ self.W2 + self.b2
        e = np.exp(y - y.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return -np.mean(np.log(np.sum(t * self.p, axis=1)))
        ### END SOLUTION

    def gradients(self, x, t):
        """Keep dW1, db1, dW2 and db2, after `loss`."""
        ### BEGIN SOLUTION
        g = (self.p - t) / len(t)
        self.dW2, self.db2 = self.h.T @ g, g.sum(axis=0)
        g = (g @ self.W2.T) * (self.z > 0)
        self.dW1, self.db1 = x.T @ g, g.sum(axis=0)
        ### END SOLUTION

    def training_step(self, x, t, learning_rate):
        """Do all of it, and the update; return the loss before the update."""
        ### BEGIN SOLUTION
        loss = self.loss(x, t)
        self.gradients(x, t)
        self.W1 -= learning_rate * self.dW1
        self.b1 -= learning_rate * self.db1
        self.W2 -= learning_rate * self.dW2
        self.b2 -= learning_rate * self.db2
        return loss
        ### END SOLUTION


# %% [markdown]
# The network with the numbers above. Does it say what you have on paper?

# %%
if __name__ == "__main__":
    network = TwoLayerNet(2, 3, 2)
    network.W1, network.W2 = W1.copy(), W2.copy()
    loss = network.training_step(X, T, 0.05)
    print(f"loss {loss:.4f}")
    print(f"dW1 =\n{network.dW1.round(4)}")
    print(f"dW2 =\n{network.dW2.round(4)}")
    assert abs(loss - 0.7950) < 2e-4, "the loss is not that of the engine"

# %% [markdown]
# ## Beside the engine's numbers
#
# `lw.explain` returns a step as the engine computes it, here of a network after one
# epoch. Each of its `layers` has `before`, `gradients` and `after`; a notebook shows
# the whole calculation. Your network takes the same step.

# %%
if __name__ == "__main__":
    import layerwise as lw

    moons = lw.load("moons")
    trained = lw.fit(lw.MLP([3]), moons, epochs=1, seed=0).network
    step = lw.explain(trained, moons.train.inputs[:2], moons.train.targets[:2])
    print(step)

    hidden, _, output = step.layers
    network.W1, network.b1 = hidden.before["W"].copy(), hidden.before["b"].copy()
    network.W2, network.b2 = output.before["W"].copy(), output.before["b"].copy()
    loss = network.training_step(step.inputs, step.targets, step.rate)
    for name, mine, theirs in [
        ("loss", loss, step.loss),
        ("dW1", network.dW1, hidden.gradients["W"]),
        ("db1", network.db1, hidden.gradients["b"]),
        ("dW2", network.dW2, output.gradients["W"]),
        ("db2", network.db2, output.gradients["b"]),
        ("W1 after", network.W1, hidden.after["W"]),
        ("b2 after", network.b2, output.after["b"]),
    ]:
        distance = np.abs(mine - theirs).max()
        print(f"{name}: differs by {distance:.0e} at most")
        assert distance < 1e-5, name

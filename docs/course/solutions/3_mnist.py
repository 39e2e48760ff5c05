# %% [markdown]
# # 3. Know the data: MNIST
#
# Before a network is trained: what are the data like, and how hard is the problem?
# `layerwise data mnist` prints the same figures and more.
#
#     layerwise gradcheck 3_mnist.py

# %%
import numpy as np

# %% [markdown]
# ## Statistics
#
# Inputs of shape (samples, features). Some pixels are the same in all images: they say
# nothing, and dividing by their standard deviation fails.


# %%
def standardised(x):
    """Return features of mean 0 and std 1; constant ones become 0."""
    ### BEGIN SOLUTION
    deviation = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    ### END SOLUTION


# %% [markdown]
# ## Principal components
#
# The directions along which the samples vary most: the eigenvectors of their covariance
# with the largest eigenvalues. `np.linalg.eigh` gives eigenvalues in rising order.


# %%
def principal_components(x, n):
    """Return the first n components as rows, and their shares of the variance."""
    ### BEGIN SOLUTION
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False))
    return vectors.T[::-1][:n], values[::-1][:n] / values.sum()
    ### END SOLUTION


# %% [markdown]
# ## A linear classifier
#
# Softmax regression on the components: how many digits does a network without hidden
# layers read? Its loss on logits, and its gradient by them. Targets are class indices;
# subtract each row's largest logit first.


# %%
class SoftmaxCrossEntropy:
    def forward(self, logits, y):
        """Return the mean loss."""
        ### BEGIN SOLUTION
        logits = logits - logits.max(axis=1, keepdims=True)
        self.log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        self.y = y
        return -self.log_p[np.arange(len(y)), y].mean()
        ### END SOLUTION

    def backward(self):
        ### BEGIN SOLUTION
        gradient = np.exp(self.log_p)
        gradient[np.arange(len(self.y)), self.y] -= 1
        return gradient / len(self.y)
        ### END SOLUTION


# %% [markdown]
# ## MNIST
#
# How many pixels are constant? How many components carry half of the variance? Draw
# some components as images: what can you read in the first? And which digits lie on
# each other in the first two?

# %%
if __name__ == "__main__":
    import layerwise as lw

    mnist = lw.load("mnist")
    x = mnist.train.inputs.reshape(len(mnist.train), -1)[:10_000] / 255
    y = mnist.train.targets[:10_000]
    print(f"min {x.min():g}, max {x.max():g}, mean {x.mean():.3f}, std {x.std():.3f}")
    print(f"{np.sum(x.std(axis=0) == 0)} constant pixels of {x.shape[1]}")
    deviations = standardised(x).std(axis=0)
    assert np.all((deviations == 0) | np.isclose(deviations, 1))

    components, shares = principal_components(x, 50)
    print("shares of the variance (%):", (100 * shares[:10]).round(1))
    print(f"{np.sum(np.cumsum(shares) < 0.5) + 1} components carry half of it")
    assert np.allclose(components @ components.T, np.eye(50), atol=1e-6)
    assert 0.09 < shares[0] < 0.11

# %%
if __name__ == "__main__":
    for n in (2, 10, 50):
        scores = (x - x.mean(axis=0)) @ components[:n].T
        loss = SoftmaxCrossEntropy()
        w, b = np.zeros((n, 10)), np.zeros(10)
        for _ in range(200):
            value = loss.forward(scores[:8000] @ w + b, y[:8000])
            gradient = loss.backward()
            w -= 0.5 * scores[:8000].T @ gradient
            b -= 0.5 * gradient.sum(axis=0)
        answers = (scores[8000:] @ w + b).argmax(axis=1)
        accuracy = np.mean(answers == y[8000:])
        print(f"{n} components: loss {value:.3f}, accuracy {accuracy:.1%}")
    assert accuracy > 0.85

"""Faulty sheets: each is a right one in which one line, or two, are changed."""

from pathlib import Path
from typing import NamedTuple

import pytest

from layerwise.sheets import SLIPS, gradcheck

RIGHT = Path(__file__).with_name("right")


class Planted(NamedTuple):
    """A slip in a sheet: the text that is changed, and what must be said of it."""

    sheet: str
    part: str
    slip: str
    old: str
    new: str
    line: str = ""
    """What the line that is shown must hold; by default the text that was planted."""


PLANTED = (
    # Transposed.
    Planted("course_numpy", "Linear", "transposed",
            "self.x.T @ grad", "grad.T @ self.x"),
    Planted("course_torch", "Linear", "transposed",
            "self.x.T @ gradient", "gradient.T @ self.x"),
    Planted("functions_with_cache", "affine_forward", "transposed",
            "dx = dout.dot(w.T).reshape(x.shape)", "dx = dout.dot(w).reshape(x.shape)"),
    Planted("torch_functions", "linear", "transposed",
            "dw = x.t() @ grad", "dw = grad.t() @ x"),
    # The sum over the batch, or its mean.
    Planted("params_and_grads", "Dense", "no-sum",
            "g.sum(axis=0, keepdims=True)\n        return g @ self.params",
            "g\n        return g @ self.params", 'self.grads["b"] = g'),
    Planted("torch_functions", "linear", "no-sum",
            "db = grad.sum(dim=0)", "db = grad"),
    Planted("course_numpy", "Linear", "mean",
            "grad.sum(axis=0)", "grad.mean(axis=0)"),
    Planted("columns", "linear_forward", "mean",
            "dW = np.dot(dZ, A_prev.T)", "dW = np.dot(dZ, A_prev.T) / A_prev.shape[1]"),
    Planted("torch_modules", "Linear", "mean",
            "self.bias.grad = grad_output.sum(0)",
            "self.bias.grad = grad_output.mean(0)"),
    Planted("course_torch", "Linear", "mean",
            "self.x.T @ gradient", "self.x.T @ gradient / len(gradient)"),
    # Sign.
    Planted("course_numpy", "Tanh", "sign",
            "return grad * (1 - self.y**2)", "return grad * (self.y**2 - 1)"),
    Planted("torch_functions", "cross_entropy", "sign",
            "    return p / len(targets)", "    return -p / len(targets)"),
    Planted("losses", "BinaryCrossEntropy", "sign", "(q - self.t)", "(self.t - q)"),
    Planted("two_layer_net", "TwoLayerNet", "sign",
            'grads["b2"] = dscores.sum(axis=0)', 'grads["b2"] = -dscores.sum(axis=0)'),
    # A constant factor.
    Planted("losses", "MeanSquaredError", "factor",
            "return 2 * self.difference", "return self.difference"),
    Planted("torch_modules", "SquaredError", "factor",
            "return self.difference / len", "return 2 * self.difference / len"),
    Planted("derivatives", "mse", "factor",
            "return 2 * (y_pred - y_true)", "return (y_pred - y_true)"),
    # The other branch.
    Planted("course_numpy", "ReLU", "other-branch",
            "np.where(self.x > 0, grad, 0)", "np.where(self.x > 0, 0, grad)"),
    Planted("course_torch", "ReLU", "other-branch",
            "self.mask = x > 0", "self.mask = x < 0"),
    Planted("derivatives", "elu", "other-branch",
            "np.where(x > 0, 1.0, np.exp(x))", "np.where(x < 0, 1.0, np.exp(x))"),
    Planted("torch_tensors_loops", "ELU", "other-branch",
            "torch.where(self.x > 0, torch.ones", "torch.where(self.x < 0, torch.ones"),
    Planted("parameter_objects", "LeakyReLU", "other-branch",
            "np.where(self.inputs > 0, 1, self.slope)",
            "np.where(self.inputs > 0, self.slope, 1)"),
    # The derivative at the output.
    Planted("course_numpy", "Tanh", "at-output",
            "1 - self.y**2", "1 - np.tanh(self.y) ** 2"),
    Planted("torch_functions", "tanh", "at-output",
            "return grad * (1 - torch.tanh(x) ** 2)",
            "return grad * (1 - torch.tanh(torch.tanh(x)) ** 2)"),
    Planted("course_numpy", "Sigmoid", "at-input",
            "grad * self.y * (1 - self.y)", "grad * self.x * (1 - self.x)"),
    Planted("torch_modules", "Tanh", "at-input",
            "self.output = torch.tanh(input)\n        return self.output",
            "self.output = input\n        return torch.tanh(input)",
            "return grad_output * (1 - self.output * self.output)"),
    # The mask of an earlier batch.
    Planted("from_scratch", "Relu", "earlier-batch",
            "        self.mask = x <= 0\n",
            "        if self.mask is None:\n            self.mask = x <= 0\n",
            "self.mask is None"),
    Planted("course_torch", "Linear", "earlier-batch",
            "        if remember:\n            self.x = x\n"
            "        return x @ self.weight",
            "        if not hasattr(self, 'x'):\n            self.x = x\n"
            "        return x @ self.weight", "hasattr"),
    # A clamp.
    Planted("course_numpy", "Linear", "clamp",
            "self.dW = self.x.T @ grad",
            "self.dW = np.clip(self.x.T @ grad, -1e-10, 1e10)"),
    Planted("course_torch", "Linear.update", "clamp",
            "learning_rate * self.grad_weight",
            "learning_rate * self.grad_weight.clamp(-1e-10, 1e10)"),
    Planted("torch_tensors_loops", "Linear", "clamp",
            "        return grad_out @ self.w.T",
            "        self.w_grad.clamp_(min=0)\n        return grad_out @ self.w.T",
            "clamp_"),
    # Softmax's Jacobian.
    Planted("course_numpy", "Softmax", "softmax-off-diagonal",
            "np.diag(p) - np.outer(p, p)", "np.diag(p * (1 - p))"),
    Planted("torch_functions", "softmax", "softmax-off-diagonal",
            "return p * (grad - (grad * p).sum(dim=-1, keepdim=True))",
            "return p * (1 - p) * grad"),
    Planted("course_numpy", "Softmax", "softmax-diagonal",
            "np.diag(p) - np.outer(p, p)",
            "np.diag(p) - np.outer(p, p) + np.diag(p * p)"),
    Planted("torch_tensors_loops", "Softmax", "softmax-diagonal",
            "torch.diag(p) - torch.outer(p, p)", "torch.diag(p) + torch.outer(p, p)"),
    # −1/p.
    Planted("course_numpy", "CrossEntropyLoss", "unguarded",
            "        self.p = np.clip(p, 1e-12, None)\n        self.t = t\n"
            "        self.above = p > 1e-12\n"
            "        return -np.mean(np.sum(t * np.log(self.p), axis=1))\n\n"
            "    def backward(self):\n"
            "        return np.where(self.above, -self.t / self.p, 0) / len(self.t)",
            "        self.p, self.t = p, t\n"
            "        return -np.mean(np.sum(t * np.log(p + 1e-12), axis=1))\n\n"
            "    def backward(self):\n"
            "        return -self.t / self.p / len(self.t)", "self.t / self.p"),
    Planted("course_torch", "CrossEntropyLoss", "unguarded",
            "torch.log(p[range(len(y)), y])",
            "torch.log(p[range(len(y)), y].clamp(min=1e-12))", "/ self.p["),
    # The gradient of the sum.
    Planted("functions_with_cache", "softmax_loss", "sum-of-mean",
            "    dx[np.arange(N), y] -= 1\n    dx /= N\n",
            "    dx[np.arange(N), y] -= 1\n", "return loss, dx"),
    Planted("torch_modules", "SquaredError", "sum-of-mean",
            "return self.difference / len(self.difference)", "return self.difference"),
    Planted("from_scratch", "SoftmaxWithLoss", "sum-of-mean",
            "(self.y - self.t) / batch_size", "(self.y - self.t)"),
    # The bias.
    Planted("params_and_grads", "Dense", "bias",
            '        self.grads["b"] = g.sum(axis=0, keepdims=True)\n', "", ""),
    Planted("course_torch", "Linear.update", "bias",
            "        self.bias -= learning_rate * self.grad_bias\n", "", ""),
    # Added up.
    Planted("torch_tensors_loops", "Linear", "accumulated",
            "        self.w_grad = torch.zeros_like(self.w)\n"
            "        self.b_grad = torch.zeros_like(self.b)\n",
            "        if not hasattr(self, 'w_grad'):\n"
            "            self.w_grad = torch.zeros_like(self.w)\n"
            "            self.b_grad = torch.zeros_like(self.b)\n", "hasattr"),
    Planted("lists_of_arrays", "Affine", "accumulated",
            "self.grads[1][...] = np.sum", "self.grads[1][...] += np.sum"),
    Planted("torch_autograd", "Net", "accumulated",
            "        for p in self.parameters():\n            p.grad = None\n", "", ""),
    # Up the gradient.
    Planted("course_numpy", "Linear.update", "update-sign",
            "self.W -= lr * self.dW", "self.W += lr * self.dW"),
    Planted("course_torch", "Linear.update", "update-sign",
            "self.weight -= learning_rate", "self.weight += learning_rate"),
    Planted("torch_autograd", "Net", "update-sign",
            "p -= self.lr * p.grad", "p += self.lr * p.grad"),
    # In place.
    Planted("from_scratch", "Relu", "in-place",
            "        out = x.copy()\n        out[self.mask] = 0\n        return out\n",
            "        x[self.mask] = 0\n        return x\n", "x[self.mask] = 0"),
    Planted("torch_functions", "relu", "in-place",
            "return torch.clamp(x, min=0)", "return x.clamp_(min=0)"),
    # One sample.
    Planted("course_numpy", "Softmax", "one-sample",
            "        self.p = e / e.sum(axis=1, keepdims=True)\n        return self.p",
            "        self.p = e / e.sum()\n        return self.p", "e / e.sum()"),
    Planted("torch_functions", "linear", "one-sample",
            "dw = x.t() @ grad", "dw = torch.outer(x[0], grad[0])"),
    # Broadcasting.
    Planted("course_numpy", "Linear", "broadcast",
            "grad.sum(axis=0)", "grad.sum()"),
    Planted("torch_functions", "linear", "broadcast",
            "db = grad.sum(dim=0)", "db = grad.sum()"),
    # float32.
    Planted("derivatives", "tanh", "float32",
            "return 1 - np.tanh(x) ** 2",
            "up, down = np.float32(x + 1e-5), np.float32(x - 1e-5)\n"
            "    return (np.tanh(up) - np.tanh(down)) / 2e-5", "up, down = "),
    Planted("torch_functions", "tanh", "float32",
            "return grad * (1 - torch.tanh(x) ** 2)",
            "return grad * (1 - torch.tanh(x.half()) ** 2)"),
    # Softmax's derivative twice, or not at all.
    Planted("course_numpy", "CrossEntropyLoss", "fused",
            "return np.where(self.above, -self.t / self.p, 0) / len(self.t)",
            "return (self.p - self.t) / len(self.t)"),
    Planted("course_numpy", "Softmax", "passed-through",
            "        return dz\n", "        return grad\n"),
    # The gradient from above.
    Planted("derivatives", "swish", "upstream",
            "return grad_output * (s + x * s * (1 - s))", "return s + x * s * (1 - s)"),
    # In other forms: closures, static methods, torch's functions, mini-batches, x.g.
    Planted("closures", "linear", "transposed", "x.T @ g, g.sum", "g.T @ x, g.sum",
            "return g @ W.T"),
    Planted("closures", "softmax_cross_entropy", "sum-of-mean",
            "return g / n", "return g"),
    Planted("static_methods_torch", "Linear", "mean",
            "db = dout.sum(dim=0)", "db = dout.mean(dim=0)"),
    Planted("static_methods_torch", "ReLU", "in-place",
            "out = x.clone()\n        out[out < 0] = 0",
            "out = x\n        out[out < 0] = 0", "out[out < 0] = 0"),
    Planted("torch_function", "MyReLU", "other-branch",
            "[input < 0] = 0", "[input > 0] = 0"),
    Planted("torch_function", "MyLinear", "transposed",
            "grad_output.t().mm(input)", "input.t().mm(grad_output)",
            "input.t().mm(grad_output)"),
    Planted("noted_gradients_torch", "Lin", "transposed",
            "self.inp.t() @ self.out.g", "self.out.g.t() @ self.inp"),
    Planted("noted_gradients_torch", "Mse", "factor", "2.0 * x / self", "x / self",
            "self.targ"),
    Planted("mini_batches", "Network", "sign", "w - (eta / len", "w + (eta / len"),
    Planted("no_rate", "Neural_Network", "update-sign", "= y - o", "= o - y"),
    Planted("no_rate", "Neural_Network", "expression",
            "self.W2 += self.z2.T", "self.W2 += self.z.T"),
    Planted("updates_named", "update_params", "update-sign",
            "b2 = b2 - alpha", "b2 = b2 + alpha"),
    Planted("any_numbers_torch", "L1Loss", "sum-of-mean",
            "torch.sign(self.diff) / self.diff.numel()", "torch.sign(self.diff)"),
    Planted("torch_modules", "Linear", "no-sum",
            "self.bias.grad = grad_output.sum(0)", "self.bias.grad = grad_output"),
    Planted("micrograd", "Value", "expression",
            "self.grad += other.data * out.grad", "self.grad += out.data * out.grad"),
    Planted("micrograd", "Value", "overwritten",
            "            self.grad += out.grad\n",
            "            self.grad = out.grad\n"),
    Planted("micrograd", "Value", "sign",
            "(1 - t**2) * out.grad", "(t**2 - 1) * out.grad"),
)  # fmt: skip
"""Each slip is in NumPy and in torch."""


@pytest.mark.usefixtures("unchecked")
@pytest.mark.slow("many cases")
@pytest.mark.parametrize(
    "planted", PLANTED, ids=lambda p: f"{p.slip} {p.sheet} {p.part}"
)
def test_a_planted_slip_is_named_where_it_is_and_nothing_else(planted, tmp_path):
    text = (RIGHT / f"{planted.sheet}.py").read_text("utf-8")
    assert planted.old in text
    sheet = tmp_path / f"{planted.sheet}.py"
    sheet.write_text(text.replace(planted.old, planted.new, 1), "utf-8")
    marks = gradcheck(sheet)
    (part,) = [mark for mark in marks.parts if mark.name == planted.part]
    assert {fault.slip for fault in part.faults} == {planted.slip}, marks
    for fault in part.faults:
        assert fault.words
        last = planted.new.strip().splitlines()[-1:]
        shown = planted.line or "".join(last).strip()
        assert shown in fault.code or fault.code in shown, fault
    others = [mark for mark in marks.parts if mark.name != planted.part]
    assert not any(mark.faults for mark in others), marks
    # A bias without a gradient leaves its update nothing to be judged by.
    assert all(mark.passed for mark in others) or planted.slip == "bias"


ALSO = {"many-samples", "at-input", "overwritten", "expression", "upstream", "sum",
        "axis", "fused", "passed-through"}  # fmt: skip
"""Slips that are named beyond those which each library must have."""


def test_the_corpus_is_as_large_as_is_promised():
    styles = {"torch": set[str](), "numpy": set[str]()}
    slips = {"torch": set[str](), "numpy": set[str]()}
    for planted in PLANTED:
        library = "torch" if "torch" in planted.sheet else "numpy"
        styles[library].add(planted.sheet)
        slips[library].add(planted.slip)
    for library in ("torch", "numpy"):
        assert slips[library] >= SLIPS.keys() - ALSO
        assert len(styles[library]) >= 5
    assert len(PLANTED) == len(set(PLANTED)) >= 40
    assert len(list(RIGHT.glob("[a-z]*.*"))) >= 20
    for planted in PLANTED:
        text = (RIGHT / f"{planted.sheet}.py").read_text("utf-8")
        assert ("import torch" in text) == ("torch" in planted.sheet), planted.sheet

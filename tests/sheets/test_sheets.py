"""Sheets of many styles are read as they are; what is said of them, and to whom."""

import json
import linecache
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import layerwise as lw
from layerwise.cli import main
from layerwise.errors import InputError
from layerwise.sheets import gradcheck

RIGHT = sorted((Path(__file__).with_name("right")).iterdir())

PARTS = {
    "columns": 3, "course_numpy": 8, "course_torch": 6, "dataclasses_typed": 5,
    "derivatives": 8, "eleven_lines": 1, "from_scratch": 4, "functions_with_cache": 6,
    "lists_of_arrays": 4, "losses": 4, "micrograd": 1, "notebook": 3, "one_sample": 1,
    "parameter_objects": 3, "params_and_grads": 4, "regression_net": 1,
    "torch_autograd": 1, "torch_functions": 6, "torch_modules": 3,
    "torch_tensors_loops": 4, "two_layer_net": 1, "updates_within": 3,
    "outputs_kept": 4, "fused_torch": 3, "mean_in_layers": 2,
    "closures": 3, "static_methods_torch": 2, "torch_function": 2, "mini_batches": 2,
    "no_rate": 1, "updates_named": 2, "noted_gradients_torch": 3, "zero_weights": 3,
    "any_numbers_torch": 4, "mixed_forms": 2, "torch_optim": 3, "one_number": 3,
}  # fmt: skip

FRAGILE = {"course_torch": "a probability of 0", "from_scratch": "1,000"}
"""What a warning says of a right sheet; of all others there is none."""


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("sheet", RIGHT, ids=lambda path: path.stem)
def test_right_sheets_pass_without_a_false_warning(sheet):
    marks = gradcheck(sheet)
    assert marks.passed, marks
    assert marks.exit_status == 0
    assert len(marks.parts) == PARTS[sheet.stem]
    warnings = [warning for part in marks.parts for warning in part.warnings]
    expected = FRAGILE.get(sheet.stem)
    assert [expected in w for w in warnings] == [True] * bool(expected)


COURSE = Path(__file__).with_name("right") / "course_torch.py"

CLAMPED = (
    ("self.grad_weight = self.x.T @ gradient", "-1e-10, 1e10"),
    ("self.grad_bias = gradient.sum(dim=0)", "-1e-10, 1e10"),
)


@pytest.fixture
def course(folder):
    """The classic course sheet: gradients clamped, those of the loss a sum."""
    pytest.importorskip("torch")
    text = COURSE.read_text("utf-8")
    for line, bounds in CLAMPED:
        name, value = line.split(" = ")
        text = text.replace(line, f"{name} = torch.clamp({value}, {bounds})")
    text = text.replace(" / len(self.y)", "")
    (folder / "sheet.py").write_text(text, "utf-8")
    return folder / "sheet.py"


@pytest.mark.usefixtures("unchecked")
def test_the_course_sheet_is_read_as_it_is(course):
    marks = {mark.name: mark for mark in gradcheck(course).parts}
    slips = {n: {f.slip for f in m.faults} for n, m in marks.items() if not m.passed}
    assert slips == {"Linear": {"clamp"}, "CrossEntropyLoss": {"sum-of-mean"}}
    assert [f.array for f in marks["Linear"].faults] == ["weight", "bias"]
    first = marks["Linear"].faults[0]
    assert first.words == "it is clamped: every negative gradient is lost"
    assert (first.place, first.formula) == ("line 16", "∂L/∂W = Xᵀ G")
    assert "torch.clamp(self.x.T @ gradient" in first.code
    (loss,) = marks["CrossEntropyLoss"].faults
    assert loss.formula == "∂L/∂p = −t / p, divided by the batch size"
    assert "Linear and CrossEntropyLoss corrected" in marks["MLP"].notes[0]
    assert "automatic differentiation" in marks["Softmax"].witnesses


def test_two_slips_of_one_gradient_are_both_named(folder):
    (folder / "sheet.py").write_text(
        """
import numpy as np
class Loss:
    def forward(self, y, t):
        self.d = y - t
        return 0.5 * np.mean(np.sum(self.d ** 2, axis=1))
    def backward(self):
        return np.clip(self.d, -1e-10, 1e10)
"""
    )
    (fault,) = gradcheck("sheet.py").parts[0].faults
    assert fault.slip == "clamp"
    assert fault.words.endswith("and the loss is a mean over the batch, its gradient "
                                "that of the sum")  # fmt: skip


class Twice:
    def forward(self, x):
        return 2 * x

    def backward(self, gradient):
        return 2 * gradient


class Halved(Twice):
    def backward(self, gradient):
        return 0.5 * gradient


def cube(x):
    return x**3


def cube_derivative(x):
    return 3 * x**2


@pytest.mark.slow("many cases")
def test_classes_objects_and_functions_are_checked_in_python():
    assert lw.gradcheck(Twice).passed
    assert lw.gradcheck(Twice())
    assert lw.gradcheck(cube).passed
    marks = lw.gradcheck(Halved)
    assert not marks
    (fault,) = marks.parts[0].faults
    assert (fault.slip, fault.code) == ("factor", "return 0.5 * gradient")
    assert repr(marks) == str(marks)
    assert marks._repr_html_().startswith("<pre>FAIL Halved")


def test_a_cell_of_a_running_notebook_has_lines(monkeypatch):
    """As IPython keeps it: under a name of its own, in a module without a file."""
    text = "import numpy as np\n" + LINEAR.replace("= self.x.T @", "= -self.x.T @")
    kernel = ModuleType("kernel")
    monkeypatch.setitem(sys.modules, "kernel", kernel)
    lines = text.splitlines(keepends=True)
    monkeypatch.setitem(linecache.cache, "<cell>", (len(text), None, lines, "<cell>"))
    exec(compile(text, "<cell>", "exec"), vars(kernel))
    (fault,) = lw.gradcheck(kernel.Linear).parts[0].faults
    assert (fault.slip, fault.place) == ("sign", "line 11")
    assert fault.code == "self.dW = -self.x.T @ gradient"


@pytest.mark.slow("many cases")
def test_two_parts_that_share_out_a_factor_are_right_together(folder):
    """Where one of them is as it is alone, the other is wrong."""
    text = (RIGHT[0].parent / "mean_in_layers.py").read_text("utf-8")
    mean = text.replace("self.difference\n", "self.difference / len(self.difference)\n")
    assert mean != text
    (folder / "sheet.py").write_text(mean)
    linear, error = gradcheck("sheet.py").parts
    assert {fault.slip for fault in linear.faults} == {"mean"}
    assert error.passed


@pytest.mark.slow("many cases")
def test_a_loss_may_keep_its_inputs_beside_its_gradient():
    class Error:
        def forward(self, inputs, targets):
            self.inputs, self.targets = inputs, targets
            return ((inputs - targets) ** 2).sum()

        def backward(self):
            self.dinputs = 2 * (self.inputs - self.targets)

    assert lw.gradcheck(Error).passed


OWN_WIDTHS = """
import numpy as np
class Net:
    def __init__(self{arguments}):
        self.W = np.ones(({inputs}, {outputs}))
    def forward(self, x):
        e = np.exp(x @ self.W)
        return e / e.sum(axis=1, keepdims=True)
    def training_step(self, x, y, lr):
        g = p = self.forward(x)
        loss = -np.mean(np.log(p[range(len(y)), y]))
        g[range(len(y)), y] -= 1
        self.W {sign}= lr * x.T @ g / len(y)
        return loss
class Map:
    def __init__(self):
        self.W = np.ones((11, 2))
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, g):
        self.dW = self.x.T @ g
        return g @ self.W.T
"""


@pytest.mark.parametrize(
    ("arguments", "inputs", "outputs"),
    [
        (", inputs=784, outputs=10", "inputs", "outputs"),
        (", sizes=(784, 10), seed=0", "sizes[0]", "sizes[-1]"),
        ("", "7", "6"),
    ],
)
@pytest.mark.slow("many cases")
@pytest.mark.parametrize(("sign", "right"), [("-", True), ("+", False)])
def test_what_has_widths_of_its_own_is_run(
    folder, arguments, inputs, outputs, sign, right
):
    text = OWN_WIDTHS.format(
        arguments=arguments, inputs=inputs, outputs=outputs, sign=sign
    )
    (folder / "sheet.py").write_text(text)
    network, layer = gradcheck("sheet.py").parts
    assert (network.passed, layer.passed) == (right, True), network
    assert network.kind == "network"


@pytest.mark.usefixtures("unchecked")
@pytest.mark.slow("many cases")
@pytest.mark.parametrize("style", ["course_numpy", "course_torch"])
def test_a_slip_that_no_edit_undoes_counts_once(folder, style):
    text = (RIGHT[0].parent / f"{style}.py").read_text("utf-8")
    whole = {"course_numpy": "grad.sum(axis=0)", "course_torch": "gradient.sum(dim=0)"}
    first = whole[style].partition(".")[0] + "[0]"
    assert whole[style] in text
    (folder / "sheet.py").write_text(text.replace(whole[style], first))
    marks = gradcheck("sheet.py")
    assert [part.name for part in marks.parts if not part.passed] == ["Linear"], marks


KEEPS_LABELS = """
import numpy as np
class Loss:
    def forward(self, z, y):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.p, self.y = e / e.sum(axis=1, keepdims=True), y
        return -np.log(self.p[np.arange(len(y)), y]).mean()
    def backward(self):
        g = self.p.copy()
        g[np.arange(len(self.y)), self.y] -= 1
        return g / len(self.y)
class Net:
    def __init__(self, n_in, n_out):
        self.W = 0.1 * np.ones((n_in, n_out))
        self.loss = Loss()
    def forward(self, x):
        return x @ self.W
    def train_step(self, x, y, lr):
        self.labels = y
        self.loss.forward(self.forward(x), y)
        self.W -= lr * x.T @ self.loss.backward()
"""


def test_a_network_may_keep_its_labels(folder):
    """They are no object that may be its loss."""
    (folder / "sheet.py").write_text(KEEPS_LABELS)
    _, network = gradcheck("sheet.py").parts
    assert network.passed
    assert network.said.endswith("against its own loss")


SGD = """
def sgd(w, dw, config):
    return w {sign} config["learning_rate"] * dw, config
class GradientDescent:
    def __init__(self, rate):
        self.rate = rate
    def step(self, params, grads):
        for key in params:
            params[key] = params[key] - self.rate * grads[key]
"""


@pytest.mark.parametrize(("sign", "slips"), [("-", set()), ("+", {"update-sign"})])
def test_gradient_descent_by_itself(folder, sign, slips):
    (folder / "sheet.py").write_text(SGD.format(sign=sign))
    function, cls = gradcheck("sheet.py").parts
    assert {fault.slip for fault in function.faults} == slips
    assert (cls.passed, cls.kind) == (True, "update")


class Weighted:
    def __init__(self, table):
        self.weight = table["weight"]

    def forward(self, outputs, targets):
        self.difference = outputs - targets
        return self.weight * (self.difference**2).sum()

    def backward(self):
        return 2 * self.weight * self.difference


class GradientDescent:
    def __init__(self, table):
        self.lr = table["rate"]

    def step(self, parameters, gradients):
        for n, gradient in enumerate(gradients):
            parameters[n] -= self.lr * gradient


def test_a_loss_or_a_descent_may_be_an_object_that_only_its_author_can_make():
    """Which is what is advised where a class cannot be built."""
    assert not lw.gradcheck(Weighted)
    assert lw.gradcheck(Weighted({"weight": 3.0})).passed
    assert not lw.gradcheck(GradientDescent)
    assert lw.gradcheck(GradientDescent({"rate": 0.1})).passed


def test_layerwise_own_form_is_checked_as_before():
    report = lw.gradcheck(lw.ReLU())
    assert {check.witness for check in report.checks} == {"differences", "automatic"}


def test_random_numbers_of_its_own_are_held():
    class Dropout:
        def forward(self, x):
            self.mask = np.random.rand(*x.shape) < 0.5  # noqa: NPY002
            return x * self.mask

        def backward(self, gradient):
            return gradient * self.mask

    assert lw.gradcheck(Dropout)


def test_what_is_random_though_held_is_said():
    class Noisy(Twice):
        count = 0

        def forward(self, x):
            Noisy.count += 1
            return x * Noisy.count

    (part,) = lw.gradcheck(Noisy).parts
    assert part.status == "error"
    assert "two calls with equal inputs differ" in part.faults[0].words


def test_what_cannot_be_told_is_refused_with_what_is_needed():
    class Strange:
        def solve(self, x):
            return x

    match = r"Strange is nothing .* forward\(x\) .*--names forward=NAME"
    with pytest.raises(InputError, match=match):
        lw.gradcheck(Strange)


THETA = """
import numpy as np
class Map:
    def __init__(self, n_in, n_out):
        self.theta = np.ones((n_in, n_out))
        self.theta_bar = None
    def apply(self, x):
        self.x = x
        return x @ self.theta
    def pull(self, g):
        self.theta_bar = {gradient}
        return g @ self.theta.T
"""

NAMES = "forward=apply,backward=pull,weight=theta,grad_weight=theta_bar"


@pytest.mark.parametrize(
    ("gradient", "status"), [("self.x.T @ g", 0), ("-self.x.T @ g", 1)]
)
def test_a_table_of_names_overrules_the_usual_ones(folder, capsys, gradient, status):
    (folder / "sheet.py").write_text(THETA.format(gradient=gradient))
    assert main(["gradcheck", "sheet.py", "--names", NAMES]) == status
    assert "Map: a stateful layer, parameters theta" in capsys.readouterr().out
    assert main(["gradcheck", "sheet.py:Map", "--names", NAMES]) == status


def test_as_overrules_what_a_thing_looks_like(folder, capsys):
    (folder / "sheet.py").write_text(
        """
import numpy as np
class Distance:
    def forward(self, a, b):
        self.d = a - b
        return (self.d ** 2).sum()
    def backward(self):
        return 2 * self.d
"""
    )
    assert main(["gradcheck", "sheet.py:Distance", "--as", "loss"]) == 0
    assert "Distance: a loss" in capsys.readouterr().out
    assert main(["gradcheck", "sheet.py:Distance", "--as", "layer"]) == 2
    assert main(["gradcheck", "sheet.py:Distance", "--as", "poem"]) == 2
    # The one thing that a sheet defines needs no name.
    assert main(["gradcheck", "sheet.py", "--as", "layer"]) == 2
    assert "Distance: a layer, could not be run" in capsys.readouterr().out


SEVERAL = """
import layerwise as lw
class Nothing:
    pass
class Half:
    def forward(self, x):
        return x
def plain(x):
    return 2 * x
class Square(lw.Layer):
    def forward(self, params, x, noise=None):
        return x * x, x
    def backward(self, params, trace, gradient):
        return {}, 2 * trace * gradient
three = 3
"""


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        (":Nothing", "layer", "Nothing is no layer that can be checked: a layer needs"),
        (":Half", "layer", "Half is no layer that can be checked: a layer needs forw"),
        (":Half", "loss", "Half is no loss that can be checked: a loss needs forward"),
        (":plain", "layer", "plain is no layer that can be checked: a layer needs for"),
        (":plain", "function", "plain is no function that can be checked: a function"),
        (":plain", "network", "plain is no network that can be checked: a network ne"),
        (":Half", "update", "Half is no update that can be checked: an update needs u"),
        (":three", "layer", "three is no layer that can be checked: a layer needs"),
        ("", "layer", "kind (--as) is for one thing: name it, sheet.py:NAME, of"),
    ],
)
def test_what_is_no_such_thing_is_one_line(folder, capsys, name, kind, line):
    (folder / "sheet.py").write_text(SEVERAL)
    assert main(["gradcheck", f"sheet.py{name}", "--as", kind]) == 2
    said = capsys.readouterr()
    assert line in said.err
    assert (said.out, len(said.err.splitlines())) == ("", 1)


def test_our_own_form_may_be_called_what_it_is(folder):
    (folder / "sheet.py").write_text(SEVERAL)
    for options in ([], ["--as", "layer"]):
        assert main(["gradcheck", "sheet.py:Square", *options]) == 0
    assert main(["gradcheck", "sheet.py:Square", "--as", "update"]) == 2


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("def f(:\n", "sheet.py, line 1: SyntaxError"),
        ("x = 1\ny = 1 / 0\n", "sheet.py, line 2: ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)\n", "sheet.py, line 2: SystemExit: 3"),
        ("x = 1\n", "nothing that can be checked"),
        ("input('name? ')\n", "sheet.py, line 1: EOFError"),
    ],
)
def test_a_sheet_that_cannot_be_run_is_one_line(folder, refused, text, part):
    (folder / "sheet.py").write_text(text)
    assert part in refused("gradcheck", "sheet.py")


def test_a_gap_is_an_error_of_its_part_alone(folder, capsys):
    (folder / "sheet.py").write_text(
        """
def double(x):
    return 2 * x
def double_derivative(x):
    return 2 * x**0
def triple(x):
    raise NotImplementedError
def triple_derivative(x):
    raise NotImplementedError("to be done")
"""
    )
    assert main(["gradcheck", "sheet.py", "--points", "double=2,triple=1,relu=1"]) == 2
    said = capsys.readouterr().out
    assert (
        "ok   double: a function, its derivative in double_derivative [2 of 2" in said
    )
    assert "line 7: NotImplementedError: not written yet" in said
    assert "relu: not in the sheet [0 of 1 points]" in said
    assert "2 of 4 points" in said


def test_of_ways_to_call_a_part_the_one_that_fits_best_is_said(folder):
    """Targets as one-hot fail in the forward pass, as indices at the gap."""
    (folder / "sheet.py").write_text(
        """
import numpy as np
class Loss:
    def forward(self, p, y):
        return -np.log(p[np.arange(len(y)), y]).mean()
    def backward(self):
        raise NotImplementedError("to be done")
"""
    )
    (part,) = gradcheck("sheet.py").parts
    assert part.faults[0].words == "line 7: NotImplementedError: to be done"


LINEAR = """
import numpy as np
class Linear:
    def __init__(self, n_inputs, n_outputs):
        self.W = np.ones((n_inputs, n_outputs))
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, gradient):
        self.dW = self.x.T @ gradient
        return gradient @ self.W.T
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x @", "Linear's forward pass returns nothing: is a return missing?"),
        ("gradient @", "its gradient is not returned"),
    ],
)
@pytest.mark.slow("many cases")
def test_a_forgotten_return_is_said(folder, line, said):
    text = LINEAR.replace(f"        return {line}", f"        {line}")
    (folder / "sheet.py").write_text(text)
    (part,) = gradcheck("sheet.py").parts
    assert part.faults[0].words.endswith(said)


def test_what_cannot_be_built_is_said_with_what_to_do(folder):
    (folder / "sheet.py").write_text(
        "class Layer:\n"
        "    def __init__(self, one, two, three, four):\n"
        "        self.w = one @ two\n"
        "    def forward(self, x):\n        return x\n"
        "    def backward(self, g):\n        return g\n"
    )
    (part,) = gradcheck("sheet.py").parts
    assert part.faults[0].words.endswith("lw.gradcheck(Layer(…)) in Python")


@pytest.mark.parametrize("worth", ["three", "nan", "inf", "-1"])
def test_points_are_amounts(folder, refused, worth):
    (folder / "sheet.py").write_text(LINEAR)
    said = refused("gradcheck", "sheet.py", "--points", f"Linear={worth}")
    assert f"--points Linear={worth}: give Linear=3,ReLU=1" in said


def test_json_has_parts_points_and_sentences(folder, capsys):
    (folder / "sheet.py").write_text(
        "def double(x):\n    return 2 * x\n"
        "def double_derivative(x):\n    return -2 * x**0\n"
    )
    assert main(["gradcheck", "sheet.py", "--points", "double=2", "--json"]) == 1
    summary = json.loads(capsys.readouterr().out)
    assert (summary["points"], summary["of"], summary["passed"]) == (0, 2, False)
    (part,) = summary["parts"]
    assert part["faults"][0]["slip"] == "sign"
    assert summary["sentences"] == ["double, line 4: input: its sign is reversed"]


@pytest.mark.slow("many cases")
def test_a_cell_of_a_notebook_is_named(folder):
    text = (RIGHT[0].parent / "notebook.ipynb").read_text("utf-8")
    assert "self.x.T @ grad" in text
    (folder / "sheet.ipynb").write_text(
        text.replace("self.x.T @ grad", "-self.x.T @ grad")
    )
    (fault,) = gradcheck("sheet.ipynb").parts[0].faults
    assert fault.place == "cell 2, line 12"
    assert fault.code == "self.dW = -self.x.T @ grad"


def test_what_ipython_adds_to_a_notebook_is_no_error(folder, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "TkAgg")
    cells = (
        "%matplotlib inline\nimport os\nassert os.environ['MPLBACKEND'] == 'Agg'",
        "get_ipython().run_line_magic('pylab', 'inline')\nos.getcwd?",
        "%%time\ndef double(x):\n    return 2 * x\ndisplay(double(1))",
        "def double_derivative(x):\n    return 2 * x**0",
        "%%bash\nls",
    )
    notebook = {"cells": [{"cell_type": "code", "source": [c]} for c in cells]}
    (folder / "sheet.ipynb").write_text(json.dumps(notebook))
    assert gradcheck("sheet.ipynb").passed
    assert os.environ["MPLBACKEND"] == "TkAgg"


@pytest.mark.parametrize("text", ["{}", "[1]", "{", '{"cells": [1]}'])
def test_what_is_no_notebook_is_refused(folder, refused, text):
    (folder / "sheet.ipynb").write_text(text)
    assert "sheet.ipynb: is not a notebook" in refused("gradcheck", "sheet.ipynb")


def test_a_gradient_that_is_0_throughout_is_no_clamp():
    class Lost(Twice):
        def backward(self, gradient):
            return 0 * gradient

    (fault,) = lw.gradcheck(Lost).parts[0].faults
    assert (fault.slip, fault.words) == (
        "",
        "its gradient is 0, the output depends on it",
    )


NORM = """
import numpy as np
class BatchNorm:
    def __init__(self, features):
        self.gamma = np.ones(features)
    def forward(self, x):
        var = x.var(0)
        self.std = np.sqrt(var + 1e-5)
        self.xhat = (x - x.mean(0)) / self.std
        return self.gamma * self.xhat
    def backward(self, g):
        self.dgamma = (g * self.xhat).sum(0)
        dx = g * self.gamma
        return (dx - dx.mean(0)) / self.std
class Mask:
    def forward(self, x):
        self.mask = x > 0.5
        return np.where(x > 0, x, 0)
    def backward(self, g):
        return g * self.mask
def huber(y_pred, y_true):
    e = np.abs(y_pred - y_true)
    return np.mean(np.where(e <= 1, 0.5 * e**2, e - 0.5))
def huber_grad(y_pred, y_true):
    return (y_pred - y_true) / y_pred.size
"""


@pytest.mark.slow("many cases")
def test_no_slip_is_named_for_an_edit_that_computes_something_else(folder):
    """Of a norm without + var, say; nor where half of a branch is wrong."""
    (folder / "sheet.py").write_text(NORM)
    norm, mask, huber = gradcheck("sheet.py").parts
    for part in (norm, mask, huber):
        (fault,) = part.faults
        assert (fault.slip, fault.words) == ("", "its gradient is wrong"), part


IN_PLACE = """
class ReLU:
    def __call__(self, x):
        self.mask = x > 0
        x[~self.mask] = 0
        return x
    def backward(self, gradient):
        return gradient * self.mask
"""


def test_the_line_that_writes_into_the_input_is_shown(folder):
    """Also in a forward pass of another name."""
    (folder / "sheet.py").write_text(IN_PLACE)
    (fault,) = gradcheck("sheet.py").parts[0].faults
    assert (fault.slip, fault.code) == ("in-place", "x[~self.mask] = 0")


def test_a_kink_is_left_out_and_said():
    class Zigzag:
        """Of whose points one in ten has a corner within the differences' step."""

        def forward(self, x):
            self.x = 50 * x
            return abs(self.x - np.round(self.x))

        def backward(self, gradient):
            return 50 * np.sign(self.x - np.round(self.x)) * gradient

    (part,) = lw.gradcheck(Zigzag).parts
    assert part.passed
    assert any("at a kink, left out" in note for note in part.notes)


@pytest.mark.slow("many cases")
def test_warnings_for_what_is_right_but_fragile(folder):
    class Softmax:
        def forward(self, z):
            e = np.exp(z)
            self.p = e / e.sum(axis=1, keepdims=True)
            return self.p

        def backward(self, g):
            return self.p * (g - (g * self.p).sum(axis=1, keepdims=True))

    (part,) = lw.gradcheck(Softmax).parts
    assert part.passed
    (warning,) = part.warnings
    assert "NaN for inputs of ±1,000" in warning


@pytest.mark.slow("many cases")
def test_numbers_of_float32_are_checked_to_what_they_hold():
    class Single:
        def forward(self, x):
            self.y = np.tanh(x.astype(np.float32))
            return self.y

        def backward(self, gradient):
            return gradient * (1 - self.y**2)

    (part,) = lw.gradcheck(Single).parts
    assert part.passed
    assert "computed in float32: checked to three digits" in part.notes


BACK_FROM_TARGETS = """
import numpy as np
class Net:
    __slots__ = ("W", "dW", "x")
    def __init__(self, inputs, outputs):
        self.W = np.random.randn(inputs, outputs)
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, y{rate}):
        self.dW = self.x.T @ (self.x @ self.W - y) / len(y)
        {there}
"""


@pytest.mark.parametrize(("sign", "slips"), [("-", set()), ("+", {"update-sign"})])
@pytest.mark.parametrize("own_update", [False, True])
def test_a_learning_rate_by_default_is_told_all_the_same(
    folder, own_update, sign, slips
):
    """And a class may keep all it has in slots."""
    step = f"self.W {sign}= lr * self.dW"
    text = BACK_FROM_TARGETS.format(rate=", lr=0.1", there=step)
    if own_update:
        text = BACK_FROM_TARGETS.format(rate="", there="")
        text += f"    def update(self, lr=0.1):\n        {step}\n"
    (folder / "sheet.py").write_text(text)
    (part,) = gradcheck("sheet.py").parts
    assert part.kind == "network"
    assert {fault.slip for fault in part.faults} == slips


@pytest.mark.slow("many cases")
def test_a_softmax_of_one_sample_is_known_by_its_outputs_too():
    class Softmax:
        def forward(self, z):
            e = np.exp(z - max(z))
            self.p = e / e.sum()
            return self.p

        def backward(self, gradient):
            return gradient

    (fault,) = lw.gradcheck(Softmax).parts[0].faults
    assert fault.slip == "passed-through"

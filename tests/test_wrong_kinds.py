"""What is of the wrong kind is told in one line, wherever it is given."""

import pytest
import torch

import layerwise as lw


class Net(torch.nn.Module):
    """A network of torch, given as a class by mistake."""


IRIS = lw.load("iris")


def fitted() -> lw.MLPClassifier:
    model = lw.MLPClassifier([4], max_iter=1, random_state=0)
    return model.fit(IRIS.train.inputs, IRIS.train.targets)


CASES = {
    "a class of ours": (lambda: lw.fit(lw.MLP, IRIS), r"the class MLP .* MLP\(…\)$"),
    "a class of torch": (lambda: lw.fit(Net, IRIS), r"Net cannot be trained: .*Net\(…"),
    "inspected": (lambda: lw.inspect(Net, IRIS), r"the class tests\S*Net cannot be"),
    "an estimator": (lambda: lw.inspect(fitted(), IRIS), "such as its network_$"),
    "swapped": (lambda: lw.fit(IRIS, lw.MLP([4])), "not on an MLP: an MLP makes no"),
    "a number": (lambda: lw.from_torch(3), "an int is no torch module"),
    "untrained": (lambda: lw.to_torch(lw.MLP([4])), "an MLP is no network that torch"),
    "saved": (lambda: lw.save_network(3, "no.safetensors"), "an int is no network"),
    "fixed": (lambda: lw.fix(3, None), r"an int is no setup .*\.Setup\("),
    "explained": (lambda: lw.explain(Net(), [[0.0]], [0]), r"not a tests\S*Net: make"),
    "loaded": (lambda: lw.load([1]), "a name or a path, not a list"),
    "diagnosed": (lambda: lw.diagnose(IRIS), "a Dataset cannot be diagnosed: give"),
}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("case", CASES)
def test_is_told(case):
    call, line = CASES[case]
    with pytest.raises(lw.InputError, match=line) as caught:
        call()
    assert "\n" not in str(caught.value)

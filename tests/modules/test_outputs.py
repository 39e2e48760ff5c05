"""What a module returns, read as logits: one reader for training and inspection."""

from dataclasses import dataclass

import pytest
import torch

from layerwise.errors import InputError
from layerwise.modules import answer_of, logits_of

ROWS = torch.arange(6.0).reshape(2, 3)


@dataclass
class Output:
    logits: torch.Tensor


OUTPUTS = {
    "a tensor": ROWS,
    "under logits": {"hidden": ROWS[:, :2], "logits": ROWS},
    "under out": {"out": ROWS},
    "under a name of its own": {"classes": ROWS},
    "an attribute": Output(ROWS),
    "a tuple": (ROWS, None),
    "a list": [ROWS],
    "a tuple of such": ({"out": ROWS}, None),
}


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("kind", OUTPUTS)
def test_logits_are_found(kind, classes):
    assert torch.equal(logits_of(answer_of(OUTPUTS[kind]), 2, classes), ROWS)


@pytest.mark.parametrize("classes", [None, 2])
@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_one_means_two_classes(shape, classes):
    found = logits_of(torch.tensor([3.0, -1.0]).reshape(shape), 2, classes)
    assert found.tolist() == [[0.0, 3.0], [0.0, -1.0]]


@pytest.mark.parametrize("outputs", [ROWS[:, :2], ROWS[0], ROWS[None], ROWS[:1]])
def test_logits_of_another_shape(outputs):
    shape = str(tuple(outputs.shape)).replace("(", r"\(").replace(")", r"\)")
    message = rf"of shape {shape} for 2 samples: let the module return \(samples, 3\)"
    with pytest.raises(InputError, match=message):
        logits_of(answer_of(outputs), 2, 3)


@pytest.mark.parametrize("outputs", ["text", {}, (), {"out": ROWS.long()}])
def test_no_logits_are_found(outputs):
    with pytest.raises(InputError, match="no logits can be read from a "):
        logits_of(answer_of(outputs), 2, 3)


def test_of_half_precision_single_is_made():
    found = logits_of(ROWS.half(), 2, 3)
    assert found.dtype == torch.float32
    assert torch.equal(found, ROWS)


def test_gradients_go_back_through_what_is_read():
    rows = ROWS.clone().requires_grad_()
    logits_of(answer_of({"out": rows}), 2, 3).sum().backward()
    assert torch.equal(rows.grad, torch.ones_like(rows))

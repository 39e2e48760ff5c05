"""A zoo of modules: the right layers, shapes and values, and nothing changed by it."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from layerwise.study.subjects._module import Look, module_case


def _zoo():
    spec = importlib.util.spec_from_file_location(
        "zoo", Path(__file__).with_name("zoo.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["zoo"] = module
    spec.loader.exec_module(module)
    return module


zoo = _zoo()


@pytest.fixture(params=zoo.ZOO)
def specimen(request):
    torch.manual_seed(0)
    return zoo.ZOO[request.param]()


def case_of(specimen):
    return module_case(specimen.module, specimen.batches, look=Look(**specimen.look))


def gathered(case):
    """All that a pass gives, by layer, and the outputs."""
    blocks = [block for part in case.scored.parts() for block in part]
    layers = [
        np.concatenate(rows) for rows in zip(*(b.layers for b in blocks), strict=True)
    ]
    outputs = None
    if blocks[0].outputs is not None:
        outputs = np.concatenate([block.outputs for block in blocks])
    return dict(zip(case.subject.layer_names, layers, strict=True)), outputs


def by_hand(specimen):
    """The same by plain hooks, in evaluation mode."""
    module = specimen.module
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    module.eval()
    parts, outputs = [], []
    with torch.no_grad():
        for batch in specimen.batches:
            parts.append(specimen.expected(module, batch))
            outputs.append(specimen.logits(specimen.call(module, batch)))
    torch.backends.mha.set_fastpath_enabled(fused)
    return {
        name: torch.cat([part[name] for part in parts]).float().numpy()
        for name in parts[0]
    }, torch.cat(outputs).float().numpy()


def close(found, expected, tolerance):
    return np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


class TestValues:
    def test_names_shapes_and_values_are_those_of_plain_hooks(self, specimen):
        expected, outputs = by_hand(specimen)
        case = module_case(
            specimen.module, specimen.batches, look=Look(**specimen.look)
        )
        found, said = gathered(case)
        found.pop("input", None)
        assert list(found) == list(expected)
        for name, rows in expected.items():
            assert found[name].shape == rows.shape, name
            assert close(found[name], rows, specimen.tolerance), name
        assert close(said, outputs, 10 * specimen.tolerance)
        output = case.subject.layer_names[-1] if case.subject.has_output else None
        assert output == specimen.output

    def test_capture_changes_nothing(self, specimen):
        module = specimen.module
        modules = list(module.modules())
        for place, child in enumerate(modules):
            child.training = place % 3 != 0
        modes = [child.training for child in modules]
        state = {name: t.clone() for name, t in module.state_dict().items()}
        hooks = [len(c._forward_hooks) + len(c._forward_pre_hooks) for c in modules]
        gathered(case_of(specimen))
        assert [child.training for child in modules] == modes
        after = [len(c._forward_hooks) + len(c._forward_pre_hooks) for c in modules]
        assert after == hooks
        assert all(
            torch.equal(t, state[name]) for name, t in module.state_dict().items()
        )

    @pytest.mark.parametrize("name", ["textbook", "resnet", "encoder", "shared"])
    def test_everything_is_as_before_after_an_exception(self, name):
        specimen = zoo.ZOO[name]()
        module = specimen.module.train()
        last = [c for c in module.modules() if isinstance(c, nn.Linear)][-1]
        last.register_forward_pre_hook(_fail)
        with pytest.raises(Exception, match="on purpose"):
            case_of(specimen)
        assert all(child.training for child in module.modules())
        parts = list(module.modules())
        assert [h for part in parts for h in part._forward_hooks.values()] == []
        before = [h for part in parts for h in part._forward_pre_hooks.values()]
        assert before == [_fail]
        assert torch.backends.mha.get_fastpath_enabled()


def _fail(*_):
    raise RuntimeError("on purpose")

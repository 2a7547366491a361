"""Adam takes the same steps as torch's, without importing torch's compiler."""

import subprocess
import sys

import torch
from torch import Tensor, nn

from ssl_irmae.pretraining.adam import Adam


def _layers() -> list[nn.Parameter]:
    rng = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=rng)) for shape in ((4, 3), (4,), (2, 4, 3, 3), (5,))]


def _set_gradients(parameters: list[nn.Parameter], step: int) -> None:
    """Set the gradients of all parameters but the last; the first has none in the first step."""
    rng = torch.Generator().manual_seed(1 + step)
    for parameter in parameters[:-1]:
        parameter.grad = torch.randn(parameter.shape, generator=rng)
    if step == 0:
        parameters[0].grad = None


def _trained(rates: list[float]) -> tuple[list[nn.Parameter], Adam]:
    parameters = _layers()
    optimizer = Adam(parameters, rates[0])
    for step, rate in enumerate(rates):
        optimizer.learning_rate = rate
        optimizer.zero_grad()
        _set_gradients(parameters, step)
        optimizer.step()
    return parameters, optimizer


def _equal(ours: list[nn.Parameter], theirs: list[nn.Parameter]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


RATES = [0.1, 0.1, 0.03, 0.01, 0.001]


def test_steps_equal_those_of_torch_bit_for_bit() -> None:
    theirs = _layers()
    torch_adam = torch.optim.Adam(theirs, RATES[0], fused=True)
    for step, rate in enumerate(RATES):
        torch_adam.param_groups[0]["lr"] = rate
        torch_adam.zero_grad()
        _set_gradients(theirs, step)
        torch_adam.step()
    ours, optimizer = _trained(RATES)
    assert _equal(ours, theirs)
    assert torch.equal(ours[-1], _layers()[-1]), "a parameter without a gradient has moved"
    state: dict[int, dict[str, Tensor]] = torch_adam.state_dict()["state"]
    assert optimizer.state_dict()["state"].keys() == state.keys()


def test_decay_is_that_of_adamw() -> None:
    ours, theirs = _layers(), _layers()
    optimizer = Adam(ours, RATES[0], weight_decay=0.3)
    torch_adam = torch.optim.AdamW(theirs, RATES[0], weight_decay=0.3, fused=True)
    for step, rate in enumerate(RATES):
        optimizer.learning_rate = torch_adam.param_groups[0]["lr"] = rate
        torch_adam.zero_grad()
        for parameters, steps in ((ours, optimizer), (theirs, torch_adam)):
            _set_gradients(parameters, step)
            steps.step()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)
    assert torch.equal(ours[-1], _layers()[-1]), "a parameter without a gradient has shrunk"


def test_a_saved_state_continues_bit_for_bit() -> None:
    whole, _ = _trained(RATES)
    half, before = _trained(RATES[:3])
    after = Adam(half, 1.0)
    after.load_state_dict(before.state_dict())
    for step in (3, 4):
        after.learning_rate = RATES[step]
        after.zero_grad()
        _set_gradients(half, step)
        after.step()
    assert _equal(half, whole)


def test_training_does_not_import_torchs_compiler() -> None:
    program = """
import sys, torch
from ssl_irmae.pretraining.adam import Adam
weight = torch.nn.Parameter(torch.ones(3))
optimizer = Adam([weight], 0.1)
weight.sum().backward()
optimizer.step()
optimizer.zero_grad()
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

"""Our GRU equals torch's: the same outputs and gradients in every call."""

import pytest
import torch
import vame_core.gru
from torch import nn
from vame_core.gru import GRU

BATCH, STEPS, FEATURES, HIDDEN = 4, 6, 5, 7


def both(layers: int, dtype: torch.dtype = torch.float64, **kwargs) -> tuple[nn.GRU, GRU]:
    torch.manual_seed(1)
    theirs = nn.GRU(
        FEATURES, HIDDEN, layers, batch_first=True, bidirectional=True, dtype=dtype, **kwargs
    )
    ours = GRU(FEATURES, HIDDEN, layers, **kwargs).to(dtype)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def values(gru: nn.GRU, inputs: torch.Tensor, first: torch.Tensor | None, use: str) -> list:
    """Return outputs and all gradients, for a loss with a different weight of each number."""
    expanded = inputs if inputs.dim() == 3 else inputs.unsqueeze(1).expand(-1, STEPS, -1)
    states, last = gru(expanded, first)
    parts = {"states": [states], "last": [last], "both": [states, last]}[use]
    loss = sum(
        (part * torch.arange(part.numel(), dtype=part.dtype).view_as(part)).sum() / 100
        for part in parts
    )
    sources = [source for source in (inputs, first) if source is not None]
    return [states, last, *torch.autograd.grad(loss, [*sources, *gru.parameters()])]


@pytest.mark.parametrize("use", ["states", "last", "both"])
@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("same_input", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
def test_outputs_and_gradients_equal_those_of_torch(layers, same_input, started, use):
    theirs, ours = both(layers)
    shape = (BATCH, FEATURES) if same_input else (BATCH, STEPS, FEATURES)
    inputs = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    first = torch.randn(2 * layers, BATCH, HIDDEN, dtype=torch.float64, requires_grad=True)
    first = first if started else None
    for own, reference in zip(
        values(ours, inputs, first, use), values(theirs, inputs, first, use), strict=True
    ):
        torch.testing.assert_close(own, reference, rtol=1e-12, atol=1e-12)


def test_outputs_in_single_precision_agree_to_the_last_digits():
    theirs, ours = both(2, torch.float32)
    inputs = torch.randn(BATCH, STEPS, FEATURES, requires_grad=True)
    for own, reference in zip(
        values(ours, inputs, None, "both"), values(theirs, inputs, None, "both"), strict=True
    ):
        torch.testing.assert_close(own, reference, rtol=1e-5, atol=1e-5)


def test_more_steps_than_one_block_has_give_the_same(monkeypatch):
    monkeypatch.setattr("vame_core.gru.IN_CACHE", 2 * 2 * BATCH * HIDDEN)  # two steps each
    monkeypatch.setattr("vame_core.gru._free", {})  # buffers of blocks of another size
    theirs, ours = both(1)
    inputs = torch.randn(BATCH, STEPS, FEATURES, dtype=torch.float64, requires_grad=True)
    for own, reference in zip(
        values(ours, inputs, None, "both"), values(theirs, inputs, None, "both"), strict=True
    ):
        torch.testing.assert_close(own, reference, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("large", [0, 10**6])
def test_a_single_step_gives_the_same(monkeypatch, large):
    monkeypatch.setattr("vame_core.gru.LARGE", large)
    theirs, ours = both(2)
    inputs = torch.randn(BATCH, 1, FEATURES, dtype=torch.float64, requires_grad=True)
    for own, reference in zip(
        values(ours, inputs, None, "both"), values(theirs, inputs, None, "both"), strict=True
    ):
        torch.testing.assert_close(own, reference, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("same_input", [True, False])
def test_large_matrices_give_the_same(monkeypatch, same_input):
    monkeypatch.setattr("vame_core.gru.LARGE", 0)
    theirs, ours = both(2)
    shape = (BATCH, FEATURES) if same_input else (BATCH, STEPS, FEATURES)
    inputs = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    for own, reference in zip(
        values(ours, inputs, None, "both"), values(theirs, inputs, None, "both"), strict=True
    ):
        torch.testing.assert_close(own, reference, rtol=1e-12, atol=1e-12)


def test_the_last_states_are_the_same():
    _, ours = both(2)
    inputs = torch.randn(BATCH, STEPS, FEATURES, dtype=torch.float64)
    _, expected = ours(inputs)
    states, last = ours(inputs, last_only=True)
    assert states is None
    assert torch.equal(last, expected)
    own, reference = (
        torch.autograd.grad(part.sin().sum(), ours.parameters()) for part in (last, expected)
    )
    assert all(torch.equal(one, other) for one, other in zip(own, reference, strict=True))


def test_outputs_without_gradients_are_the_same():
    _, ours = both(2)
    inputs = torch.randn(BATCH, STEPS, FEATURES, dtype=torch.float64)
    with torch.inference_mode():
        states, last = ours(inputs)
    expected_states, expected_last = ours(inputs)
    assert torch.equal(states, expected_states)
    assert torch.equal(last, expected_last)


def test_two_passes_before_their_gradients_do_not_interfere():
    _, ours = both(1)
    inputs = torch.randn(2, BATCH, STEPS, FEATURES, dtype=torch.float64)
    alone = [torch.autograd.grad(ours(part)[0].sum(), ours.weight_hh_l0)[0] for part in inputs]
    losses = [ours(part)[0].sum() for part in inputs]
    together = [torch.autograd.grad(loss, ours.weight_hh_l0)[0] for loss in losses]
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


def test_a_gradient_taken_twice_is_refused():
    _, ours = both(1)
    loss = ours(torch.randn(BATCH, STEPS, FEATURES, dtype=torch.float64))[0].sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="once per forward pass"):
        loss.backward()


def test_dropout_uses_the_random_numbers_of_torch():
    theirs, ours = both(2, dropout=0.5)
    inputs = torch.randn(BATCH, STEPS, FEATURES, dtype=torch.float64)
    results = []
    for gru in (theirs, ours):
        torch.manual_seed(3)
        results.append(gru(inputs)[0])
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)
    assert not torch.equal(results[1], ours.eval()(inputs)[0])


def test_buffers_of_inference_can_be_used_outside_of_it():
    _, ours = both(2)
    inputs = torch.randn(BATCH, STEPS, FEATURES, dtype=torch.float64)
    with torch.inference_mode():
        expected = ours(inputs)[0].clone()
    with torch.no_grad():
        assert torch.equal(ours(inputs)[0], expected)


def test_passes_of_many_shapes_do_not_keep_all_their_buffers():
    _, ours = both(1)
    with torch.no_grad():
        for batch in range(1, 100):
            ours(torch.randn(batch, STEPS, FEATURES, dtype=torch.float64))
    assert len(vame_core.gru._free) <= vame_core.gru.KINDS_KEPT

import pytest
import torch
from tiny_models import make_network
from vame_core.determinism import choose_device, make_reproducible
from vame_core.model import RNNVAE


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """What is fixed for a whole process is undone after each test."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    benchmark, deterministic = (
        torch.backends.cudnn.benchmark,
        torch.are_deterministic_algorithms_enabled(),
    )
    with torch.random.fork_rng():
        yield
    torch.backends.cudnn.benchmark = benchmark
    torch.use_deterministic_algorithms(deterministic)


def see(monkeypatch, *, cuda, mps):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_fastest_there_is(monkeypatch, cuda, mps, chosen):
    see(monkeypatch, cuda=cuda, mps=mps)
    assert choose_device("auto").type == chosen


def test_a_device_is_taken_by_name(monkeypatch):
    see(monkeypatch, cuda=True, mps=True)
    assert [choose_device(name).type for name in ("cpu", "mps", "cuda")] == ["cpu", "mps", "cuda"]


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_never_another_one(monkeypatch, name):
    see(monkeypatch, cuda=False, mps=False)
    with pytest.raises(ValueError, match=f"device: {name} is asked for.*auto or cpu"):
        choose_device(name)


def test_a_seed_fixes_weights_and_draws():
    results = []
    for seed in (7, 7, 8):
        generator = make_reproducible(seed, torch.device("cpu"))
        weights = RNNVAE(make_network(), 3).state_dict()["lmbda.hidden_to_mean.weight"]
        results.append((weights, torch.randn(5, generator=generator)))
    for kind in (0, 1):
        assert torch.equal(results[0][kind], results[1][kind])
        assert not torch.equal(results[0][kind], results[2][kind])


def test_the_generator_does_not_depend_on_what_else_is_drawn():
    draws = []
    for drawn in (0, 3):
        generator = make_reproducible(7, torch.device("cpu"))
        torch.randn(drawn)
        draws.append(torch.randn(5, generator=generator))
    assert torch.equal(*draws)


def test_kernels_are_fixed():
    make_reproducible(0, torch.device("cpu"))
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark

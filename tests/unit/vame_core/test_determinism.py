import pytest
import torch
from tiny_models import make_config, make_frames, make_model, make_network
from torch.utils._python_dispatch import TorchDispatchMode
from vame_core.determinism import (
    choose_device,
    global_generator,
    make_reproducible,
    use_threads,
)
from vame_core.model import RNNVAE
from vame_core.training import fit, start_training
from vame_core.windows import Windows

# Functions that torch computes with Intel's MKL on a CPU (aten/src/ATen/cpu/vml.h, those in use).
BY_MKL = {
    *("acos", "asin", "atan", "cos", "cosh", "erf", "erfc", "erfinv", "exp", "expm1", "lgamma"),
    *("log", "log10", "log1p", "log2", "sin", "sinh", "sqrt", "tan", "tanh"),
}


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Restore settings of the process after each test."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    benchmark, deterministic = (
        torch.backends.cudnn.benchmark,
        torch.are_deterministic_algorithms_enabled(),
    )
    with torch.random.fork_rng():
        yield
    torch.backends.cudnn.benchmark = benchmark
    torch.use_deterministic_algorithms(deterministic)


def simulate_devices(monkeypatch, *, cuda, mps):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_selects_the_fastest_device(monkeypatch, cuda, mps, chosen):
    simulate_devices(monkeypatch, cuda=cuda, mps=mps)
    assert choose_device("auto").type == chosen


def test_a_device_can_be_selected_by_name(monkeypatch):
    simulate_devices(monkeypatch, cuda=True, mps=True)
    assert [choose_device(name).type for name in ("cpu", "mps", "cuda")] == ["cpu", "mps", "cuda"]


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_missing_device_is_an_error_and_not_replaced(monkeypatch, name):
    simulate_devices(monkeypatch, cuda=False, mps=False)
    with pytest.raises(ValueError, match=f"device: {name} is not available.*auto or cpu"):
        choose_device(name)


def test_a_seed_determines_weights_and_random_numbers():
    results = []
    for seed in (7, 7, 8):
        generator = make_reproducible(seed, torch.device("cpu"))
        weights = RNNVAE(make_network(), 3).state_dict()["lmbda.hidden_to_mean.weight"]
        results.append((weights, torch.randn(5, generator=generator)))
    for kind in (0, 1):
        assert torch.equal(results[0][kind], results[1][kind])
        assert not torch.equal(results[0][kind], results[2][kind])


def test_the_generator_is_independent_of_other_random_numbers():
    draws = []
    for drawn in (0, 3):
        generator = make_reproducible(7, torch.device("cpu"))
        torch.randn(drawn)
        draws.append(torch.randn(5, generator=generator))
    assert torch.equal(*draws)


def test_the_global_generator_is_that_of_torch():
    state = global_generator(torch.device("cpu")).get_state()
    drawn = torch.randn(3)
    global_generator(torch.device("cpu")).set_state(state)
    assert torch.equal(torch.randn(3), drawn)


def test_kernels_are_deterministic():
    make_reproducible(0, torch.device("cpu"))
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark


class CallsOfMKL(TorchDispatchMode):
    """Record the functions that MKL computes, with the size of the first call of each."""

    def __init__(self):
        super().__init__()
        self.sizes = {}

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        name = function.overloadpacket.__name__
        single = name.removeprefix("_foreach_").rstrip("_")
        if single in BY_MKL:
            several = name.startswith("_foreach_")
            self.sizes.setdefault(single, arguments[0][0 if several else ...].numel())
        return function(*arguments, **(options or {}))


@pytest.mark.parametrize("fused", [True, False])
def test_the_first_call_of_functions_of_mkl_uses_one_thread(fused):
    threads = torch.get_num_threads()
    with CallsOfMKL() as first:
        use_threads(threads)
    assert torch.get_num_threads() == threads
    assert set(first.sizes.values()) == {1}  # a larger size would be divided among threads
    config = make_config(fused_optimizer=fused, noise=True, softplus=True)
    length, frames = config.window_length, make_frames(frames=200)
    train, held_out = Windows(frames[:150], [(0, 150)], length), Windows(frames, [(0, 200)], length)
    with CallsOfMKL() as calls:
        model = make_model(**config.as_settings())
        state = start_training(model, config, train, torch.Generator().manual_seed(0))
        next(fit(state, train, held_out, config))
    assert "tanh" in calls.sizes
    assert calls.sizes.keys() <= first.sizes.keys()

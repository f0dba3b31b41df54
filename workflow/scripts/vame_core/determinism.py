"""Device, seeds and kernels: what makes runs reproducible."""

from __future__ import annotations

import os

import torch


def choose_device(name: str) -> torch.device:
    """Return the device of that name; `auto` selects CUDA, then MPS, then the CPU.

    Raises
    ------
    ValueError
        If the named device is not available.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(device for device, there in available.items() if there)
    if not available[name]:
        raise ValueError(
            f"device: {name} is not available: torch {torch.__version__} finds none. "
            "Set device: auto or cpu, or run on a machine with such a device."
        )
    return torch.device(name)


def set_precision(name: str) -> None:
    """Allow or forbid TensorFloat-32 on NVIDIA GPUs (torch allows it in cuDNN by default)."""
    torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
    torch.backends.cudnn.allow_tf32 = name == "tf32"


def use_threads(count: int) -> None:
    """Use this many threads, and get the same numbers in every process.

    Intel's MKL selects the kernel of a function at its first call; if several threads make that
    call at the same time, one of them may get a kernel of low accuracy (errors of 1e-5, in one of
    sixty new processes; https://github.com/pytorch/pytorch/issues/188792). The first call of
    each function that we and the optimisers use is therefore made here, by a single thread.
    """
    torch.set_num_threads(count)
    for dtype in (torch.float32, torch.float64):
        one = torch.ones(1, dtype=dtype)
        for function in (torch.exp, torch.log, torch.sqrt, torch.tanh):
            function(one)


def make_reproducible(seed: int, device: torch.device) -> torch.Generator:
    """Set deterministic kernels and torch's global seed; return our random generator.

    The global seed is needed because dropout inside `nn.GRU` and the initial weights use the global
    state.
    """
    # CUDA reads it when it loads cuBLAS; without it some kernels sum in varying order.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # never read
    torch.backends.cudnn.benchmark = False
    torch.manual_seed(seed)
    return torch.Generator(device=device).manual_seed(seed)


def global_generator(device: torch.device) -> torch.Generator:
    """Return torch's default generator of a device."""
    if device.type == "cuda":
        torch.cuda.init()
        return torch.cuda.default_generators[torch.cuda.current_device()]
    if device.type == "mps":
        return torch.mps._get_default_mps_generator()
    return torch.default_generator

"""Device, seeds and kernels: what makes two runs alike."""

from __future__ import annotations

import os

import torch


def choose_device(name: str) -> torch.device:
    """The device of that name; `auto` takes CUDA, then MPS, then the CPU.

    Raises
    ------
    ValueError
        If the device is asked for by name and is not there.
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
            f"device: {name} is asked for, but torch {torch.__version__} sees none here. "
            "Set device: auto or cpu, or run where there is one."
        )
    return torch.device(name)


def set_precision(name: str) -> None:
    """Let NVIDIA's matrix products round to TensorFloat-32, or not; torch lets cuDNN by default."""
    torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
    torch.backends.cudnn.allow_tf32 = name == "tf32"


def use_threads(count: int) -> None:
    """Compute with this many threads, and the same numbers in every process.

    Intel's MKL picks the kernel of a function at its first call; where several threads make that
    call at once, one of them may get a kernel of low accuracy for it (errors of 1e-5, in one fresh
    process of sixty here; https://github.com/pytorch/pytorch/issues/188792). So the first call of
    each function that we and the optimisers use is made here, by one thread alone.
    """
    torch.set_num_threads(count)
    for dtype in (torch.float32, torch.float64):
        one = torch.ones(1, dtype=dtype)
        for function in (torch.exp, torch.log, torch.sqrt, torch.tanh):
            function(one)


def make_reproducible(seed: int, device: torch.device) -> torch.Generator:
    """Fix kernels and torch's global state; return the generator for everything drawn by us.

    The global state is seeded as well because dropout inside `nn.GRU` and the initial weights
    draw from it.
    """
    # Read when CUDA starts its matrix library; without it some kernels sum in varying order.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # nobody reads what nobody wrote
    torch.backends.cudnn.benchmark = False
    torch.manual_seed(seed)
    return torch.Generator(device=device).manual_seed(seed)


def global_generator(device: torch.device) -> torch.Generator:
    """The generator that torch draws from on a device where none is named."""
    if device.type == "cuda":
        torch.cuda.init()
        return torch.cuda.default_generators[torch.cuda.current_device()]
    if device.type == "mps":
        return torch.mps._get_default_mps_generator()
    return torch.default_generator

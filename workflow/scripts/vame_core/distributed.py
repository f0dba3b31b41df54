"""One model trained by several processes, each with a device and its share of every batch.

Every process draws the same batch, runs the network on its share, and is given the outputs of all:
they compute the same loss of the whole batch, terms that look across it included, and come to the
same weights, those of one process but for the order of sums. The first process alone writes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn

from vame_core.model import RNNVAE, Outputs
from vame_core.training import NonFiniteError


def is_launched() -> bool:
    """Whether torchrun has started this process."""
    return dist.is_torchelastic_launched()


def launch(script: str | Path, processes: int) -> NoReturn:
    """Become torchrun, with so many processes of `script` on this machine.

    This process is replaced, so that signals reach torchrun, which passes them on and waits.
    """
    sys.stdout.flush()
    options = ["--standalone", f"--nproc-per-node={processes}"]
    os.execv(sys.executable, [sys.executable, "-m", "torch.distributed.run", *options, str(script)])


def join(device: torch.device) -> torch.device:
    """Meet the other processes; returns the device that is this one's own.

    Raises
    ------
    ValueError
        If there are fewer GPUs than processes.
    """
    number = int(os.environ["LOCAL_RANK"])
    if device.type == "cuda":
        if number >= torch.cuda.device_count():
            raise ValueError(
                f"devices: {os.environ['LOCAL_WORLD_SIZE']} are asked for, and torch sees "
                f"{torch.cuda.device_count()} here. Lower devices, or ask the cluster for more"
            )
        device = torch.device("cuda", number)
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device


def leads() -> bool:
    """Whether this process writes: the first of several, or the only one."""
    return not dist.is_initialized() or dist.get_rank() == 0


def agree(wish: int, device: torch.device) -> int:
    """The largest of all processes' wishes; each has to ask, at the same point of its training."""
    if not dist.is_initialized():
        return wish
    wishes = torch.tensor(wish, device=device)
    dist.all_reduce(wishes, dist.ReduceOp.MAX)
    return int(wishes)


def follow(events: Iterable[Any], device: torch.device) -> None:
    """Train as the first process does, until one wishes to end; write nothing.

    A failure is the first process's to tell: it comes to the same one.
    """
    with contextlib.suppress(NonFiniteError):
        for _ in events:
            if agree(0, device):
                break


class Shared(nn.Module):
    """A model as `train_step` and `evaluate` call it, its batches shared among the processes.

    `DistributedDataParallel` averages the gradients of the processes.
    """

    def __init__(self, model: RNNVAE) -> None:
        super().__init__()
        self.parallel = nn.parallel.DistributedDataParallel(model)

    def forward(
        self,
        windows: Float[Tensor, "batch time feature"],
        generator: torch.Generator | None = None,
    ) -> Outputs:
        model: RNNVAE = self.parallel.module
        rank, processes = dist.get_rank(), dist.get_world_size()
        noise = None
        if self.training:  # drawn for the whole batch, as one process draws it
            noise = torch.randn(
                (len(windows), model.network.zdims),
                generator=generator,
                device=windows.device,
                dtype=windows.dtype,
            )
        elif len(windows) % processes:
            return model(windows)  # the last ones of an evaluation: each process takes them all
        share = windows.chunk(processes)[rank]
        if noise is None:
            own = model(share)
        else:
            own = self.parallel(share, noise=noise.chunk(processes)[rank])
        return Outputs(*(None if part is None else _OfAll.apply(part) for part in own))


class _OfAll(torch.autograd.Function):
    """The outputs of all processes, in the order of their shares.

    Each process goes back from the same loss to its own share alone: times the number of
    processes, since the gradients of the weights are averaged where they should be summed.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        parts = [torch.empty_like(own) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, own.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.chunk(dist.get_world_size())[dist.get_rank()] * dist.get_world_size()

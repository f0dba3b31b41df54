"""The weight of the Kullback-Leibler and cluster terms as a pure function of the epoch."""

from __future__ import annotations

import math
from collections.abc import Callable


def linear(epoch: int, kl_start: int, annealtime: int) -> float:
    """Rise linearly from 0 at epoch `kl_start` to 1 at `kl_start + annealtime`."""
    return min(1.0, (epoch - kl_start) / annealtime) if annealtime else 1.0


def sigmoid(epoch: int, kl_start: int, annealtime: int) -> float:
    """Compute 1 / (1 + exp(-0.9 (epoch - annealtime))), centred on `annealtime` as in VAME."""
    distance = 0.9 * (epoch - annealtime)
    tail = math.exp(-abs(distance))  # a positive exponent overflows for a long annealtime
    return (1 if distance >= 0 else tail) / (1 + tail)


FUNCTIONS: dict[str, Callable[[int, int, int], float]] = {"linear": linear, "sigmoid": sigmoid}

ANNEALED = 0.99  # an epoch can be the best one only above this weight (as in VAME)


def kl_weight(epoch: int, kl_start: int, annealtime: int, function: str) -> float:
    """Return the weight of the Kullback-Leibler term in `epoch` (counted from 1), in [0, 1].

    It is 0 up to and including epoch `kl_start`, so that the network first learns to
    reconstruct (Luxem et al. 2022, Methods; Bowman et al. 2016, section 3.1).

    Raises
    ------
    NotImplementedError
        If `function` is not a key of `FUNCTIONS` (the error that VAME's interface documents).
    """
    if function not in FUNCTIONS:
        raise NotImplementedError(
            f"anneal_function: {function!r} is unknown; choose one of {sorted(FUNCTIONS)}"
        )
    return 0.0 if epoch <= kl_start else FUNCTIONS[function](epoch, kl_start, annealtime)

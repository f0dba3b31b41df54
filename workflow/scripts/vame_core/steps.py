"""One training step, and one evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vame_core.losses import Terms, compute_terms, objective
from vame_core.model import Outputs
from vame_core.noise import add_noise

ACTIVE_LATENT_VARIANCE = 0.01  # Burda et al. 2016, section 5.2
MEASURED = (*Terms._fields, "gradient")  # what a step returns: terms and gradient norm


class Evaluation(NamedTuple):
    """Terms, and two numbers that reveal a collapsed or an unregularised posterior."""

    terms: Terms
    active_latents: int
    posterior_variance: float


def train_step(
    model: nn.Module,
    windows: Float[Tensor, "batch window feature"],
    optimizer: torch.optim.Optimizer,
    weights: Terms,
    *,
    time_window: int,
    kmeans_loss: int,
    noise: bool,
    generator: torch.Generator | None,
    gradient_clip: float | None = None,
    precision: str = "float32",
    refuse_non_finite: bool = False,
) -> Float[Tensor, 5]:
    """Take one step of gradient descent; return the terms and the gradient norm (`MEASURED`).

    Noise is added to the encoder's input only: the target is the window without noise. A
    gradient whose norm exceeds `gradient_clip` is scaled down to it (Pascanu et al. 2013,
    algorithm 1). With `precision` bf16, the network's matrix products use bfloat16 where the
    device supports it; losses, gradients and weights stay in single precision.

    Nothing here synchronises with the device (except the cluster term's decomposition, inside
    torch, on CUDA) unless `refuse_non_finite` is set: it then leaves the weights unchanged if one
    of these numbers is not finite.
    """
    if not model.training:  # the call visits every module
        model.train()
    target, future = split_window(windows, time_window)
    inputs = add_noise(target, generator) if noise else target
    with torch.autocast(windows.device.type, torch.bfloat16, enabled=precision == "bf16"):
        outputs = model(inputs) if generator is None else model(inputs, generator)
    if precision == "bf16":
        outputs = Outputs(*(part if part is None else part.float() for part in outputs))
    terms = compute_terms(outputs, target, future, kmeans_loss)
    optimizer.zero_grad()
    objective(terms, weights).backward()
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    if gradient_clip is not None:
        nn.utils.clip_grads_with_norm_(model.parameters(), gradient_clip, norm)
    measured = torch.stack([*terms, norm]).detach()
    if not refuse_non_finite or measured.isfinite().all():
        optimizer.step()
    return measured


@torch.inference_mode()
def evaluate(
    model: nn.Module, batches: Iterable[Tensor], *, time_window: int, kmeans_loss: int
) -> Evaluation:
    """Average the terms over all windows of `batches`, at z = mu."""
    model.eval()
    sums, mus, variances, n_windows = 0.0, [], [], 0
    for windows in batches:
        target, future = split_window(windows, time_window)
        outputs = model(target)
        terms = compute_terms(outputs, target, future, kmeans_loss)
        sums = sums + torch.stack(terms) * len(windows)
        n_windows += len(windows)
        mus.append(outputs.mu)
        variances.append(outputs.logvar.exp().mean() * len(windows))
    spread = torch.cat(mus).var(dim=0, correction=0)
    return Evaluation(
        Terms(*(sums / n_windows).tolist()),
        int((spread > ACTIVE_LATENT_VARIANCE).sum()),
        float(sum(variances) / n_windows),
    )


def split_window(
    windows: Float[Tensor, "batch window feature"], time_window: int
) -> tuple[Float[Tensor, "batch time feature"], Float[Tensor, "batch future feature"]]:
    """Split windows into the frames that are encoded and reconstructed, and those that follow."""
    return windows[:, :time_window], windows[:, time_window:]

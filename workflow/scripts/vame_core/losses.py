"""The four terms of VAME's objective as pure functions, and their weights."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vame_core.config import ModelConfig
from vame_core.model import Outputs


class Terms(NamedTuple):
    """Unweighted terms, in units that do not depend on batch or window size.

    `reconstruction` and `future` are squared errors per element, `kl` is in nats per window,
    `cluster` is a sum of singular values. Floats for an epoch, scalar tensors in a step.
    """

    reconstruction: Tensor | float
    future: Tensor | float
    kl: Tensor | float
    cluster: Tensor | float


def squared_error(
    target: Float[Tensor, "batch time feature"],
    prediction: Float[Tensor, "batch time feature"],
    reduction: str = "mean",
) -> Float[Tensor, ""]:
    """Compute (prediction - target)², summed or averaged over all elements."""
    return F.mse_loss(prediction, target, reduction=reduction)


def kl_divergence(
    mu: Float[Tensor, "batch latent"], logvar: Float[Tensor, "batch latent"]
) -> Float[Tensor, ""]:
    """Compute KL(N(mu, sigma²) || N(0, 1)) in nats per window, averaged over the batch.

    -0.5 sum_latents (1 + log sigma² - mu² - sigma²): Kingma & Welling 2014, appendix B.
    """
    return -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(dim=1).mean()


def cluster_norm(z: Float[Tensor, "batch latent"], n_components: int) -> Float[Tensor, ""]:
    """Compute the sum of the `n_components` largest singular values of z / sqrt(batch).

    The relaxed k-means objective of Ma et al. 2019 (DTCR, eq. 5), as VAME has it: the square
    roots of the eigenvalues of the batch's Gram matrix z zᵀ / batch are these singular values.
    There are min(batch, latent) of them; a larger `n_components` adds nothing. Computed from z
    itself, value and gradient are finite for every finite z, also for zeros; they are NaN
    otherwise.
    """
    finite = z.nan_to_num(0.0, 0.0, 0.0)  # LAPACK raises an error otherwise
    return torch.linalg.svdvals(finite / z.shape[0] ** 0.5)[:n_components].sum() + 0 * z.sum()


def compute_terms(
    outputs: Outputs,
    target: Float[Tensor, "batch time feature"],
    future_target: Float[Tensor, "batch future feature"] | None,
    kmeans_loss: int,
) -> Terms:
    """Compute all terms of one batch; the future term is 0 without a future decoder."""
    zero = target.new_zeros(())
    return Terms(
        reconstruction=squared_error(target, outputs.reconstruction),
        future=zero if outputs.future is None else squared_error(future_target, outputs.future),
        kl=kl_divergence(outputs.mu, outputs.logvar),
        cluster=cluster_norm(outputs.z, kmeans_loss),
    )


def term_weights(
    config: ModelConfig, kl_weight: float, n_features: int, batch_size: int | None = None
) -> Terms:
    """Return the weight of each term in the objective, for training batches or another size.

    VAME sums squared errors over the batch (or averages them, see the two
    `mse_*_reduction` settings). It averages the Kullback-Leibler term over batch and latents,
    and multiplies it by `beta` and the annealed weight, and the cluster term by
    `kmeans_lambda` and the annealed weight. With `reduction: elbo`, all terms are per window:
    with `beta` 1, the negative evidence lower bound of a Gaussian likelihood of unit variance
    (Kingma & Welling 2014, eq. 3), up to a constant.
    """
    loss, network = config.loss, config.network
    batch_size = batch_size or config.training.batch_size
    errors_per_window = n_features * network.time_window, n_features * network.future_steps
    if loss.reduction == "elbo":
        reconstruction, future = (0.5 * errors for errors in errors_per_window)
        kl = 1.0
    else:
        reconstruction, future = (
            float(batch_size * errors) if reduction == "sum" else 1.0
            for errors, reduction in zip(
                errors_per_window,
                (loss.mse_reconstruction_reduction, loss.mse_prediction_reduction),
                strict=True,
            )
        )
        kl = 1 / network.zdims
    return Terms(
        reconstruction=reconstruction,
        future=future,
        kl=loss.beta * kl_weight * kl,
        cluster=loss.kmeans_lambda * kl_weight,
    )


def objective(terms: Terms, weights: Terms) -> Tensor | float:
    """Compute the weighted sum of the terms, which training minimises."""
    return sum(weight * term for weight, term in zip(weights, terms, strict=True))

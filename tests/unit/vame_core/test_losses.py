import math

import pytest
import torch
from tiny_models import make_batch, make_config
from torch.distributions import Normal
from torch.distributions import kl_divergence as reference_divergence
from vame_core.losses import (
    Terms,
    cluster_norm,
    compute_terms,
    kl_divergence,
    objective,
    squared_error,
    term_weights,
)
from vame_core.model import Outputs


def make_latents(*, batch, zdims, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, zdims, generator=generator, dtype=dtype)


def gram_value(z, n_components):
    """Return the cluster term as the roots of the largest eigenvalues of z zᵀ / batch."""
    eigenvalues = torch.linalg.eigvalsh(z.double() @ z.double().T / len(z)).flip(0)
    return eigenvalues.clamp(min=0).sqrt()[: min(n_components, *z.shape)].sum()


@pytest.mark.parametrize(("reduction", "value"), [("mean", 1), ("sum", 2 * 3 * 4)])
def test_errors_of_one_have_these_losses(reduction, value):
    windows = make_batch(batch=2, time=3, n_features=4)
    error = squared_error(windows, windows + 1, reduction)
    assert error == pytest.approx(value)
    assert squared_error(windows, windows, reduction) == 0


def test_an_error_of_two_has_a_loss_of_four():
    assert squared_error(torch.zeros(1, 1, 1), torch.full((1, 1, 1), 2.0)) == 4


@pytest.mark.parametrize("zdims", [1, 4, 30])
def test_the_divergence_of_a_mean_of_one_is_half_a_nat_per_latent(zdims):
    assert kl_divergence(torch.ones(5, zdims), torch.zeros(5, zdims)) == 0.5 * zdims


def test_the_divergence_of_the_prior_is_zero():
    assert kl_divergence(torch.zeros(3, 4), torch.zeros(3, 4)) == 0


def test_the_divergence_of_a_variance_of_e_has_its_value():
    expected = 0.5 * (math.e - 2)  # 0.5 (sigma² - 1 - log sigma²)
    assert kl_divergence(torch.zeros(2, 1), torch.ones(2, 1)) == pytest.approx(expected)


def test_the_divergence_is_the_mean_over_the_batch():
    mu = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    assert kl_divergence(mu, torch.zeros(2, 2)) == 0.5


def test_the_divergence_is_that_of_normal_distributions():
    mu, logvar = make_latents(batch=9, zdims=5), make_latents(batch=9, zdims=5, seed=1)
    expected = reference_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0, 1)).sum(1).mean()
    torch.testing.assert_close(kl_divergence(mu, logvar), expected)


@pytest.mark.parametrize("n_components", [0, 1, 2, 4])
def test_the_cluster_norm_of_the_identity_has_its_value(n_components):
    # Four rows: each singular value is 1 / √4.
    assert cluster_norm(torch.eye(4), n_components) == pytest.approx(0.5 * n_components)


def test_the_cluster_norm_of_one_direction_is_its_length():
    assert cluster_norm(torch.tensor([[3.0, 4.0]]).repeat(10, 1), 2) == pytest.approx(5)


@pytest.mark.parametrize(("batch", "zdims"), [(12, 4), (4, 12), (6, 6), (1, 3)])
@pytest.mark.parametrize("n_components", [1, 3, 30])
def test_the_cluster_norm_equals_that_of_the_gram_matrix(batch, zdims, n_components):
    z = make_latents(batch=batch, zdims=zdims)
    torch.testing.assert_close(cluster_norm(z, n_components), gram_value(z, n_components))


def test_more_components_than_the_rank_add_nothing():
    z = make_latents(batch=12, zdims=4)
    assert cluster_norm(z, 30) == cluster_norm(z, 4)


def test_the_cluster_norm_is_proportional_to_z():
    z = make_latents(batch=8, zdims=3)
    torch.testing.assert_close(cluster_norm(5 * z, 2), 5 * cluster_norm(z, 2))


def test_the_gradient_of_the_cluster_norm_equals_differences():
    z = make_latents(batch=5, zdims=3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: cluster_norm(z, 2), z)


def test_the_gradient_of_all_components_is_the_polar_factor():
    z = make_latents(batch=7, zdims=3).requires_grad_()
    cluster_norm(z, 3).backward()
    # d tr √(zᵀz/n) / dz = z (zᵀz)^(-1/2) / √n
    values, vectors = torch.linalg.eigh(z.detach().T @ z.detach())
    inverse_root = vectors @ values.rsqrt().diag() @ vectors.T
    torch.testing.assert_close(z.grad, z.detach() @ inverse_root / 7**0.5)


@pytest.mark.parametrize(
    "z",
    [
        torch.zeros(8, 3),
        torch.ones(8, 3),
        torch.cat([torch.eye(3), torch.zeros(5, 3)]),
        torch.full((8, 3), 1e-30),
        torch.zeros(1, 3),
        torch.zeros(2, 5),
    ],
    ids=["zeros", "rank one", "equal values", "tiny", "one window", "fewer windows than latents"],
)
@pytest.mark.parametrize("n_components", [1, 3, 30])
def test_the_cluster_norm_is_finite(z, n_components):
    z = z.clone().requires_grad_()
    value = cluster_norm(z, n_components)
    value.backward()
    torch.testing.assert_close(
        value.double(), gram_value(z.detach(), n_components), atol=1e-6, rtol=1e-6
    )
    assert torch.isfinite(z.grad).all()
    assert z.grad.abs().max() <= 1


def make_outputs(*, windows, future=None, logvar=0.0, mu=1.0, zdims=3):
    shape = (len(windows), zdims)
    return Outputs(
        reconstruction=windows + 1,
        future=None if future is None else future + 2,
        z=torch.ones(shape),
        mu=torch.full(shape, mu),
        logvar=torch.full(shape, logvar),
    )


def test_terms_are_named_and_in_units_of_one_element_and_one_window():
    windows, future = make_batch(time=8), make_batch(time=4)
    terms = compute_terms(make_outputs(windows=windows, future=future), windows, future, 1)
    # z is (1, 1, 1) in every row: one singular value, √3.
    expected = {"reconstruction": 1, "future": 4, "kl": 1.5, "cluster": 3**0.5}
    assert {k: v.item() for k, v in terms._asdict().items()} == pytest.approx(expected)


def test_without_future_decoder_there_is_no_future_term():
    windows = make_batch()
    terms = compute_terms(make_outputs(windows=windows), windows, windows[:, :0], 1)
    assert terms.future == 0
    assert terms.reconstruction == pytest.approx(1)


def weights_of(kl_weight, **changes):
    config = make_config(batch_size=5, time_window=8, prediction_steps=4, zdims=10, **changes)
    return term_weights(config, kl_weight, n_features=3)


def test_summed_errors_are_weighted_by_the_number_of_elements():
    weights = weights_of(0.0)
    assert (weights.reconstruction, weights.future) == (5 * 8 * 3, 5 * 4 * 3)


def test_a_batch_may_be_of_another_size_than_in_training():
    weights = term_weights(make_config(batch_size=5), 0.0, n_features=3, batch_size=2)
    assert weights.reconstruction == 2 * 8 * 3


def test_averaged_errors_have_a_weight_of_one():
    weights = weights_of(0.0, mse_reconstruction_reduction="mean", mse_prediction_reduction="mean")
    assert (weights.reconstruction, weights.future) == (1, 1)


def test_each_reduction_has_its_own_setting():
    weights = weights_of(0.0, mse_prediction_reduction="mean")
    assert (weights.reconstruction, weights.future) == (120, 1)


def test_the_annealed_weight_is_on_divergence_and_cluster_term():
    weights = weights_of(0.5, beta=4.0, kmeans_lambda=0.1)
    # The divergence is averaged over 10 latents: 4 × 0.5 / 10.
    assert (weights.kl, weights.cluster) == pytest.approx((0.2, 0.05))
    assert weights_of(0.0)[2:] == (0, 0)


def test_the_evidence_bound_is_per_window_with_any_batch_and_reductions():
    weights = weights_of(
        0.5, reduction="elbo", beta=4.0, kmeans_lambda=0.1, mse_reconstruction_reduction="mean"
    )
    # Half of the 8 × 3 and 4 × 3 squared errors, and a divergence of 4 × 0.5 nats.
    assert weights == pytest.approx((12, 6, 2, 0.05))


def test_the_evidence_bound_is_likelihood_and_divergence():
    windows, future = make_batch(batch=5).double(), make_batch(batch=5, time=4).double()
    outputs = make_outputs(windows=windows, future=future, zdims=10)
    terms = compute_terms(outputs, windows, future, 2)
    loss = objective(terms, weights_of(1.0, reduction="elbo", kmeans_lambda=0.0))
    unit = Normal(0, 1)
    # log N(x; x̂, 1) - log N(x; x, 1), summed over a window's elements.
    likelihood = 24 * (unit.log_prob(torch.tensor(1.0)) - unit.log_prob(torch.tensor(0.0)))
    likelihood += 12 * (unit.log_prob(torch.tensor(2.0)) - unit.log_prob(torch.tensor(0.0)))
    assert loss.item() == pytest.approx(10 * 0.5 - likelihood.item(), rel=1e-6)


def test_the_objective_is_the_weighted_sum():
    assert objective(Terms(1.0, 2.0, 3.0, 4.0), Terms(1.0, 10.0, 100.0, 1000.0)) == 4321


def test_the_objective_of_a_batch_equals_that_of_vame():
    windows, future = make_batch(batch=5), make_batch(batch=5, time=4, seed=1)
    outputs = make_outputs(windows=windows, future=future, zdims=10)
    terms = compute_terms(outputs, windows, future, 2)
    # 120 errors of 1, 60 of 4; 0.5 × 2 × mean divergence 0.5; 0.5 × 0.1 × √10
    expected = 120 + 240 + 0.5 + 0.05 * 10**0.5
    loss = objective(terms, weights_of(0.5, beta=2.0, kmeans_lambda=0.1))
    assert loss.item() == pytest.approx(expected)

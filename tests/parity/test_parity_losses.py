import itertools

import pytest
import torch
from parity.models import assert_close
from vame_core import rnn_vae
from vame_core.annealing import kl_weight
from vame_core.losses import cluster_norm, kl_divergence, squared_error
from vame_core.noise import add_noise


def value_and_gradients(function, *tensors):
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    value = function(*leaves)
    return value.detach(), torch.autograd.grad(value, leaves)


def assert_same(ours, theirs, *tensors, tolerance=1e-5):
    value, gradients = value_and_gradients(ours, *tensors)
    expected, expected_gradients = value_and_gradients(theirs, *tensors)
    assert_close(value, expected, tolerance=tolerance)
    for gradient, wanted in zip(gradients, expected_gradients, strict=True):
        assert_close(gradient, wanted, tolerance=tolerance)


def make_tensors(*shape, n=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator) for _ in range(n)]


@pytest.mark.parametrize("name", ["reconstruction_loss", "future_reconstruction_loss"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("shape", [(1, 4, 2), (8, 15, 12), (64, 30, 12)])
def test_squared_errors_are_the_same(peer, name, reduction, shape):
    assert_same(
        lambda x, y: getattr(rnn_vae, name)(x, y, reduction),
        lambda x, y: getattr(peer.rnn_vae, name)(x, y, reduction),
        *make_tensors(*shape),
    )
    assert_same(
        lambda x, y: squared_error(x, y, reduction),
        lambda x, y: getattr(peer.rnn_vae, name)(x, y, reduction),
        *make_tensors(*shape),
    )


@pytest.mark.parametrize("shape", [(1, 1), (8, 3), (64, 30)])
def test_the_divergence_is_the_same(peer, shape):
    theirs = peer.rnn_vae.kullback_leibler_loss
    assert_same(rnn_vae.kullback_leibler_loss, theirs, *make_tensors(*shape))
    assert_same(lambda *x: kl_divergence(*x) / shape[1], theirs, *make_tensors(*shape))


@pytest.mark.parametrize(
    ("batch", "zdims", "kloss"),
    [(8, 3, 1), (8, 3, 3), (64, 30, 30), (64, 30, 10), (6, 10, 6), (256, 30, 30)],
)
@pytest.mark.parametrize("scale", [0.01, 1.0, 50.0])
def test_the_cluster_loss_is_the_same_up_to_the_rank(peer, batch, zdims, kloss, scale):
    (H,) = make_tensors(zdims, batch, n=1)
    H = scale * H

    def theirs(H):
        return peer.rnn_vae.cluster_loss(H, kloss, 0.1, batch)

    assert_same(lambda H: rnn_vae.cluster_loss(H, kloss, 0.1, batch), theirs, H, tolerance=1e-4)
    assert_same(lambda H: 0.1 * cluster_norm(H.T, kloss), theirs, H, tolerance=1e-4)


def test_the_cluster_loss_of_another_batch_size_is_the_same(peer):
    (H,) = make_tensors(3, 5, n=1)
    assert_same(
        lambda H: rnn_vae.cluster_loss(H, 2, 0.1, 8),
        lambda H: peer.rnn_vae.cluster_loss(H, 2, 0.1, 8),
        H,
        tolerance=1e-4,
    )


def test_at_zero_only_our_cluster_loss_has_a_finite_gradient(peer):
    z = torch.zeros(3, 8)
    value, (theirs,) = value_and_gradients(lambda H: peer.rnn_vae.cluster_loss(H, 2, 0.1, 8), z)
    ours_value, (ours,) = value_and_gradients(lambda H: rnn_vae.cluster_loss(H, 2, 0.1, 8), z)
    assert ours_value == value == 0
    assert not torch.isfinite(theirs).any()
    assert torch.isfinite(ours).all()


def test_above_the_rank_only_the_peers_cluster_loss_increases(peer):
    (H,) = make_tensors(3, 8, n=1)
    theirs = [peer.rnn_vae.cluster_loss(H, kloss, 1.0, 8) for kloss in (3, 8)]
    ours = [rnn_vae.cluster_loss(H, kloss, 1.0, 8) for kloss in (3, 8)]
    assert theirs[1] > theirs[0]
    assert ours[1] == ours[0]


@pytest.mark.parametrize("function", ["linear", "sigmoid"])
def test_the_annealing_weight_of_all_epochs_is_the_same(peer, function):
    for kl_start, annealtime in itertools.product((0, 1, 2, 10, 50), (1, 2, 4, 30, 100)):
        for epoch in range(501):
            expected = peer.rnn_vae.kl_annealing(epoch, kl_start, annealtime, function)
            arguments = epoch, kl_start, annealtime, function
            assert rnn_vae.kl_annealing(*arguments) == pytest.approx(expected, rel=1e-12)
            assert kl_weight(*arguments) == rnn_vae.kl_annealing(*arguments)


def test_an_unknown_annealing_function_raises_the_same_error(peer):
    for module in (rnn_vae, peer.rnn_vae):
        with pytest.raises(NotImplementedError):
            module.kl_annealing(5, 2, 4, "cosine")


@pytest.mark.parametrize("shape", [(1, 4, 2), (8, 15, 12), (64, 30, 12)])
@pytest.mark.parametrize("level", [0.8, 0.1])
def test_noise_is_the_same_with_the_same_random_numbers(peer, shape, level):
    (windows,) = make_tensors(*shape, n=1)
    noisy = []
    for function in (
        peer.rnn_vae.gaussian,
        rnn_vae.gaussian,
        lambda ins, _, __, std_n: add_noise(ins, None, std_n),
    ):
        torch.manual_seed(11)
        noisy.append(function(windows, True, shape[1], std_n=level))
    assert_close(noisy[1], noisy[0], tolerance=1e-6)
    assert_close(noisy[2], noisy[0], tolerance=1e-6)


def test_noise_has_the_same_default_and_is_added_only_in_training(peer):
    (windows,) = make_tensors(4, 8, 3, n=1)
    for training in (True, False):
        torch.manual_seed(11)
        expected = peer.rnn_vae.gaussian(windows, training, 8)
        torch.manual_seed(11)
        assert_close(rnn_vae.gaussian(windows, training, 8), expected, tolerance=1e-6)

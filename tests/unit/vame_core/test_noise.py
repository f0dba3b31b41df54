import pytest
import torch
from tiny_models import make_batch
from vame_core.noise import NOISE_LEVEL, add_noise


def test_the_level_is_that_of_vame():
    assert NOISE_LEVEL == 0.8


def test_noise_is_scaled_by_the_deviation_of_each_window_and_feature():
    windows = make_batch(batch=3, time=6, n_features=2).double()
    draws = torch.randn(3, 6, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    noisy = add_noise(windows, torch.Generator().manual_seed(4))
    for b in range(3):
        for f in range(2):
            series = windows[b, :, f]
            deviation = ((series - series.mean()).square().sum() / 5).sqrt()
            torch.testing.assert_close(noisy[b, :, f], series + 0.8 * deviation * draws[b, :, f])


def test_noise_has_its_size():
    # Half of the frames are 1 and half are -1: a deviation of 1.
    windows = torch.tensor([1.0, -1.0]).repeat(5000).reshape(1, -1, 1)
    noise = add_noise(windows, torch.Generator().manual_seed(0), level=0.5) - windows
    assert noise.std() == pytest.approx(0.5, rel=0.03)
    assert noise.mean() == pytest.approx(0, abs=0.02)


def test_a_constant_feature_remains_constant():
    windows = make_batch()
    windows[:, :, 1] = 3.0
    noisy = add_noise(windows, torch.Generator().manual_seed(0))
    assert torch.equal(noisy[:, :, 1], windows[:, :, 1])
    assert not torch.equal(noisy[:, :, 0], windows[:, :, 0])


def test_a_level_of_zero_adds_no_noise():
    windows = make_batch()
    assert torch.equal(add_noise(windows, torch.Generator(), level=0.0), windows)


def test_the_input_is_not_changed():
    windows = make_batch()
    before = windows.clone()
    add_noise(windows, torch.Generator())
    assert torch.equal(windows, before)


def test_noise_depends_only_on_the_generator():
    before = torch.get_rng_state()
    noisy = [add_noise(make_batch(), torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(noisy[0], noisy[1])
    assert not torch.equal(noisy[0], noisy[2])
    assert torch.equal(torch.get_rng_state(), before)

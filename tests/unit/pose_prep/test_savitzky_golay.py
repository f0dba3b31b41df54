import numpy as np
import pytest
from pose_prep.savitzky_golay import fit_polynomials
from scipy.signal import savgol_filter


@pytest.mark.parametrize("slopes", [False, True])
@pytest.mark.parametrize(("length", "order"), [(3, 1), (5, 2), (7, 2), (9, 4)])
@pytest.mark.parametrize("extra", [0, 1, 40])
def test_the_filter_equals_that_of_scipy(length, order, extra, slopes):
    series = np.random.default_rng(0).normal(size=(length + extra, 3)).cumsum(axis=0)
    np.testing.assert_allclose(
        fit_polynomials(series, length, order, slopes=slopes),
        savgol_filter(series, length, order, deriv=int(slopes), axis=0),
        atol=1e-12,
    )


def test_a_parabola_keeps_its_values_and_has_its_own_slopes():
    time = np.arange(20.0)[:, None]
    np.testing.assert_allclose(fit_polynomials(time**2, 5, 2), time**2, atol=1e-10)
    np.testing.assert_allclose(fit_polynomials(time**2, 5, 2, slopes=True), 2 * time, atol=1e-10)

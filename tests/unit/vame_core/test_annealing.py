import pytest
from vame_core.annealing import ANNEALED, FUNCTIONS, kl_weight


def test_the_threshold_is_that_of_vame():
    assert ANNEALED == 0.99


def test_the_linear_weight_increases_in_quarters():
    weights = [kl_weight(epoch, 2, 4, "linear") for epoch in range(1, 9)]
    assert weights == [0, 0, 0.25, 0.5, 0.75, 1, 1, 1]


def test_the_sigmoid_is_one_half_at_annealtime():
    assert kl_weight(10, 2, 10, "sigmoid") == 0.5


def test_the_sigmoid_has_its_slope():
    assert kl_weight(11, 2, 10, "sigmoid") == pytest.approx(0.7109495)  # 1 / (1 + e^-0.9)


def test_the_sigmoid_is_symmetric_about_annealtime():
    for distance in range(8):
        low, high = (kl_weight(10 + d, 2, 10, "sigmoid") for d in (-distance, distance))
        assert low + high == pytest.approx(1) or low == 0


def test_the_sigmoid_is_annealed_six_epochs_after_annealtime():
    # 1 / (1 + e^-0.9d) exceeds 0.99 if 0.9 d > ln 99 = 4.595, at d = 5.106.
    assert kl_weight(15, 0, 10, "sigmoid") < ANNEALED < kl_weight(16, 0, 10, "sigmoid")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kl_start", [0, 2, 40])
@pytest.mark.parametrize("annealtime", [0, 1, 4, 30])
def test_a_weight_is_zero_until_kl_start_and_then_increases_to_one(function, kl_start, annealtime):
    weights = [kl_weight(epoch, kl_start, annealtime, function) for epoch in range(1, 200)]
    assert weights[:kl_start] == [0] * kl_start
    assert all(0 < weight <= 1 for weight in weights[kl_start:])
    assert weights == sorted(weights)
    assert weights[-1] == pytest.approx(1)


def test_without_annealtime_the_linear_weight_jumps():
    assert [kl_weight(epoch, 2, 0, "linear") for epoch in (1, 2, 3, 4)] == [0, 0, 1, 1]


@pytest.mark.parametrize("annealtime", [100, 1_000, 100_000])
def test_a_long_sigmoid_starts_near_zero(annealtime):
    assert kl_weight(1, 0, annealtime, "sigmoid") == pytest.approx(0, abs=1e-30)


def test_an_unknown_function_is_named_with_the_known_ones():
    with pytest.raises(NotImplementedError, match=r"'cosine'.*linear.*sigmoid"):
        kl_weight(1, 2, 4, "cosine")

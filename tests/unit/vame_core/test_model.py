import pytest
import torch
from tiny_models import make_batch, make_model
from torch import nn
from vame_core.model import reparametrise

# The names in VAME's own files, in 1.x and 0.14.
GRU_LAYER = ("weight_ih_l{}", "weight_hh_l{}", "bias_ih_l{}", "bias_hh_l{}")


def gru_names(prefix, layers):
    return [
        f"{prefix}.{name.format(layer)}{direction}"
        for layer in range(layers)
        for direction in ("", "_reverse")
        for name in GRU_LAYER
    ]


def linear_names(*prefixes):
    return [f"{prefix}.{name}" for prefix in prefixes for name in ("weight", "bias")]


NAMES = [
    *gru_names("encoder.encoder_rnn", 2),
    *linear_names("lmbda.hidden_to_mean", "lmbda.hidden_to_logvar"),
    *gru_names("decoder.rnn_rec", 1),
    *linear_names("decoder.latent_to_hidden", "decoder.hidden_to_output"),
]
FUTURE_NAMES = [
    *gru_names("decoder_future.rnn_pred", 1),
    *linear_names("decoder_future.latent_to_hidden", "decoder_future.hidden_to_output"),
]


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("future", [True, False])
def test_weights_have_the_names_of_vame(future):
    weights = make_model(prediction_decoder=future).state_dict()
    assert sorted(weights) == sorted(NAMES + FUTURE_NAMES * future)


def test_some_weights_have_these_shapes():
    # 3 features, hidden 7, 6 and 5, 3 latents; GRUs stack three gates.
    weights = make_model().state_dict()
    shapes = {
        "encoder.encoder_rnn.weight_ih_l0": (21, 3),
        "encoder.encoder_rnn.weight_ih_l1": (21, 14),
        "lmbda.hidden_to_mean.weight": (3, 28),
        "decoder.latent_to_hidden.weight": (12, 3),
        "decoder.hidden_to_output.weight": (3, 12),
        "decoder_future.latent_to_hidden.weight": (10, 3),
    }
    assert {name: tuple(weights[name].shape) for name in shapes} == shapes


def test_outputs_have_these_shapes():
    outputs = make_model()(make_batch(batch=6))
    shapes = {name: tuple(value.shape) for name, value in outputs._asdict().items()}
    assert shapes == {
        "reconstruction": (6, 8, 3),
        "future": (6, 4, 3),
        "z": (6, 3),
        "mu": (6, 3),
        "logvar": (6, 3),
    }


def test_without_future_decoder_there_is_no_future():
    outputs = make_model(prediction_decoder=False)(make_batch())
    assert outputs.future is None
    assert outputs.reconstruction.shape == (6, 8, 3)


def test_the_future_may_be_longer_than_the_window():
    assert make_model(prediction_steps=11)(make_batch()).future.shape == (6, 11, 3)


@pytest.mark.parametrize("batch", [2, 5, 6])
def test_a_windows_outputs_do_not_depend_on_its_neighbours(batch):
    model, windows = make_model().eval(), make_batch(batch=batch)
    together = model(windows)
    for b in range(batch):
        alone = model(windows[b : b + 1])
        for value, expected in zip(together, alone, strict=True):
            close(value[b : b + 1], expected)


def test_a_windows_outputs_do_not_depend_on_its_order():
    model, windows = make_model().eval(), make_batch()
    for value, expected in zip(model(windows.flip(0)), model(windows), strict=True):
        close(value.flip(0), expected)


def test_a_windows_gradients_do_not_depend_on_its_neighbours():
    model, windows = make_model().eval(), make_batch().requires_grad_()
    outputs = model(windows)
    (outputs.reconstruction[2].square().sum() + outputs.future[2].square().sum()).backward()
    touched = windows.grad.abs().amax(dim=(1, 2)) > 0
    assert touched.tolist() == [b == 2 for b in range(6)]


@pytest.mark.parametrize("batch", [2, 5, 6])
def test_mixed_start_states_come_from_two_other_windows(batch):
    model = make_model(vame_quirks=["mixed_decoder_start"]).eval()
    for b in range(batch):
        windows = make_batch(batch=batch).requires_grad_()
        model(windows).reconstruction[b].square().sum().backward()
        touched = (windows.grad.abs().amax(dim=(1, 2)) > 0).nonzero().flatten().tolist()
        assert set(touched) == {b, b // 2, (batch + b) // 2}


def test_mixed_start_states_change_only_decoded_frames():
    windows = make_batch()
    ours = make_model().eval()(windows)
    mixed = make_model(vame_quirks=["mixed_decoder_start"]).eval()(windows)
    assert torch.equal(ours.mu, mixed.mu)
    assert torch.equal(ours.logvar, mixed.logvar)
    assert (ours.reconstruction - mixed.reconstruction).abs().max() > 1e-3
    assert (ours.future - mixed.future).abs().max() > 1e-3


def test_a_batch_of_one_has_no_mixed_states():
    windows = make_batch(batch=1)
    ours = make_model().eval()(windows)
    mixed = make_model(vame_quirks=["mixed_decoder_start"]).eval()(windows)
    for value, expected in zip(mixed, ours, strict=True):
        close(value, expected)


def test_evaluation_decodes_the_mean():
    outputs = make_model().eval()(make_batch())
    assert torch.equal(outputs.z, outputs.mu)


def test_the_code_of_a_window_is_the_last_state_of_each_direction():
    encoder, windows = make_model().encoder, make_batch()
    states, _ = encoder.encoder_rnn(windows)  # states of the second layer, in both directions
    code = encoder(windows)
    assert code.shape == (6, 4 * 7)
    close(code[:, 14:21], states[:, -1, :7])
    close(code[:, 21:], states[:, 0, 7:])
    # States of the first layer, from one layer alone.
    first = nn.GRU(3, 7, batch_first=True, bidirectional=True)
    weights = encoder.encoder_rnn.state_dict()
    first.load_state_dict({name: value for name, value in weights.items() if "_l0" in name})
    states, _ = first(windows)
    close(code[:, :7], states[:, -1, :7])
    close(code[:, 7:14], states[:, 0, 7:])


def test_encode_returns_the_posterior_of_the_model():
    model, windows = make_model().eval(), make_batch()
    outputs, (mu, logvar) = model(windows), model.encode(windows)
    assert torch.equal(mu, outputs.mu)
    assert torch.equal(logvar, outputs.logvar)


def test_training_decodes_a_sample_of_the_posterior():
    outputs = make_model().train()(make_batch(), torch.Generator().manual_seed(3))
    noise = torch.randn(6, 3, generator=torch.Generator().manual_seed(3))
    close(outputs.z, outputs.mu + outputs.logvar.exp().sqrt() * noise)


def test_samples_have_mean_and_deviation_of_the_posterior():
    mu, logvar = torch.full((20_000, 1), 2.0), torch.full((20_000, 1), 4.0).log()
    z = reparametrise(mu, logvar, torch.Generator().manual_seed(0))
    assert z.mean() == pytest.approx(2, abs=0.06)
    assert z.std() == pytest.approx(2, rel=0.03)


@pytest.mark.parametrize("training", [True, False])
def test_with_a_generator_the_global_state_has_no_effect(training):
    model, windows = make_model().train(training), make_batch()
    outputs = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        outputs.append(model(windows, torch.Generator().manual_seed(9)))
        assert torch.equal(torch.get_rng_state(), before)
    for first, second in zip(*outputs, strict=True):
        assert torch.equal(first, second)


def test_without_a_generator_the_global_state_is_used():
    model, windows = make_model().train(), make_batch()
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(model(windows).z)
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_softplus_keeps_the_deviation_above_one():
    windows = 5 * make_batch(batch=50)
    plain, softplus = (make_model(softplus=on).eval()(windows) for on in (False, True))
    assert plain.logvar.min() < 0 < softplus.logvar.min()
    close(softplus.logvar, (1 + plain.logvar.exp()).log())
    assert torch.equal(softplus.mu, plain.mu)


def test_dropout_is_used_only_in_training():
    windows = make_batch()
    plain, dropping = (make_model(dropout_encoder=p) for p in (0.0, 0.5))
    close(dropping.eval()(windows).mu, plain.eval()(windows).mu)
    assert (dropping.train()(windows).mu - plain.train()(windows).mu).abs().max() > 1e-3


def test_every_weight_has_a_gradient():
    model = make_model().train()
    outputs = model(make_batch(), torch.Generator().manual_seed(0))
    (outputs.reconstruction.square().sum() + outputs.future.square().sum()).backward()
    still = [name for name, p in model.named_parameters() if not p.grad.abs().sum() > 0]
    assert still == []

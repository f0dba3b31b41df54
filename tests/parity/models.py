"""The same small network in our implementation and in the published one (the peer)."""

import torch
from tiny_models import make_model, make_network


def make_peer_model(peer, *, n_features=3, seed=0, **changes):
    """Return the peer's model of the network of ``make_model``; keep torch's global state."""
    changes.pop("mixed_decoder_start", None)  # the peer always has it
    network = make_network(**changes)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return peer.rnn_model.RNN_VAE(
            TEMPORAL_WINDOW=2 * network.time_window,
            ZDIMS=network.zdims,
            NUM_FEATURES=n_features,
            FUTURE_DECODER=network.prediction_decoder,
            FUTURE_STEPS=network.prediction_steps,
            hidden_size_layer_1=network.hidden_size_layer_1,
            hidden_size_layer_2=network.hidden_size_layer_1,
            hidden_size_rec=network.hidden_size_rec,
            hidden_size_pred=network.hidden_size_pred,
            dropout_encoder=network.dropout_encoder,
            dropout_rec=0,
            dropout_pred=0,
            softplus=network.softplus,
        )


def make_pair(peer, **changes):
    """Return our model with VAME's decoder start and the peer's, both with the peer's weights."""
    theirs = make_peer_model(peer, **changes)
    ours = make_model(seed=1, vame_quirks=["mixed_decoder_start"], **changes)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours, theirs


def assert_close(actual, expected, *, tolerance):
    """Compare the largest difference with the largest value, of tensors or lists of numbers."""
    actual, expected = (torch.as_tensor(v, dtype=torch.float64) for v in (actual, expected))
    assert actual.shape == expected.shape
    assert torch.isfinite(actual).all()
    assert (actual - expected).abs().max() <= tolerance * expected.abs().max()


def assert_same_weights(ours, theirs, *, tolerance):
    ours, theirs = ours.state_dict(), theirs.state_dict()
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert_close(ours[name], value, tolerance=tolerance)

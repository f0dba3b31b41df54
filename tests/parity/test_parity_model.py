import pytest
import torch
from parity.models import assert_close, make_pair, make_peer_model
from tiny_models import make_batch, make_model
from vame_core.checkpoint import load_pretrained
from vame_core.export import export_state_dict

BOTH = pytest.mark.parametrize("future", [True, False], ids=["future", "no future"])


def named(outputs):
    """Return the peer's tuple of outputs with our names."""
    names = ("reconstruction", "future", "z", "mu", "logvar")
    if len(outputs) == 4:
        names = ("reconstruction", "z", "mu", "logvar")
    return dict(zip(names, outputs, strict=True))


def assert_same_outputs(ours, theirs, tolerance=1e-5):
    ours = {name: value for name, value in ours._asdict().items() if value is not None}
    theirs = named(theirs)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert_close(ours[name].detach(), value.detach(), tolerance=tolerance)


@BOTH
def test_each_model_loads_the_weights_of_the_other(peer, tmp_path, future):
    theirs = make_peer_model(peer, prediction_decoder=future)
    ours = make_model(seed=1, prediction_decoder=future)
    export_state_dict(ours, tmp_path / "vame.pkl")
    weights = torch.load(tmp_path / "vame.pkl")
    theirs.load_state_dict(weights, strict=True)
    torch.save(make_peer_model(peer, prediction_decoder=future).state_dict(), tmp_path / "peer.pkl")
    load_pretrained(ours, tmp_path / "peer.pkl")
    ours.load_state_dict(torch.load(tmp_path / "peer.pkl"), strict=True)


@BOTH
def test_initial_weights_are_the_same_with_the_same_seed(peer, future):
    theirs = make_peer_model(peer, prediction_decoder=future, seed=5).state_dict()
    ours = make_model(prediction_decoder=future, seed=5).state_dict()
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())


@BOTH
@pytest.mark.parametrize("softplus", [False, True])
@pytest.mark.parametrize("batch", [1, 2, 5, 8])
def test_outputs_at_the_posterior_mean_are_the_same(peer, future, softplus, batch):
    ours, theirs = make_pair(peer, prediction_decoder=future, softplus=softplus)
    windows = make_batch(batch=batch)
    assert_same_outputs(ours.eval()(windows), theirs.eval()(windows))


@BOTH
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_outputs_with_the_same_random_numbers_are_the_same(peer, future, dropout):
    ours, theirs = make_pair(peer, prediction_decoder=future, dropout_encoder=dropout)
    windows, outputs = make_batch(), []
    for model in (ours, theirs):
        torch.manual_seed(21)
        outputs.append(model.train()(windows))
    assert_same_outputs(*outputs)


@BOTH
@pytest.mark.parametrize("softplus", [False, True])
def test_gradients_are_the_same(peer, future, softplus):
    ours, theirs = make_pair(peer, prediction_decoder=future, softplus=softplus)
    windows = make_batch()
    for model in (ours, theirs):
        torch.manual_seed(21)
        outputs = model.train()(windows)
        sum(value.square().sum() for value in outputs if value is not None).backward()
    gradients = {name: parameter.grad for name, parameter in ours.named_parameters()}
    for name, parameter in theirs.named_parameters():
        assert_close(gradients[name], parameter.grad, tolerance=1e-5)


def test_only_the_peers_decoder_mixes_windows_of_a_batch(peer):
    theirs = make_peer_model(peer).eval()
    ours = make_model().eval()
    ours.load_state_dict(theirs.state_dict())
    windows = make_batch()
    alone = [named(theirs(windows[b : b + 1]))["reconstruction"] for b in range(6)]
    assert_close(ours(windows).reconstruction.detach(), torch.cat(alone).detach(), tolerance=1e-5)
    assert (named(theirs(windows))["reconstruction"] - torch.cat(alone)).abs().max() > 1e-3

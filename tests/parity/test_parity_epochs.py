import copy

import numpy as np
import pytest
import torch
from parity.models import assert_close, assert_same_weights, make_pair
from tiny_models import make_frames
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR
from torch.utils.data import DataLoader
from vame_core import rnn_vae

EPOCHS, BATCHES, BATCH, WINDOW, FUTURE = 5, 4, 8, 16, 4
BETA, KLOSS, KLMBDA = 2.0, 3, 0.1
TOLERANCE = 2e-4

# The peer gives the plateau scheduler a loss with its graph.
pytestmark = pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")

SCHEDULERS = {
    "step": lambda optimizer: StepLR(optimizer, step_size=2, gamma=0.5),
    # Reduces the rate unless the loss of the last batch has decreased by more than half.
    "plateau": lambda optimizer: ReduceLROnPlateau(
        optimizer, factor=0.5, patience=0, threshold=0.5
    ),
}


@pytest.fixture(scope="module")
def frames():
    return make_frames(frames=BATCHES * BATCH)


def fixed_batches(frames, peer, folder):
    """Return the same list of batches for every epoch."""
    starts = range(0, BATCHES * BATCH // 2)
    windows = [frames[start : start + WINDOW].T for start in starts] * 2
    return [torch.stack(windows[n : n + BATCH]) for n in range(0, BATCHES * BATCH, BATCH)]


def sampled_batches(frames, peer, folder):
    """Return the peer's loader, which samples windows with numpy's global random state."""
    np.save(folder / "train_seq.npy", frames.T.double().numpy())
    dataset = peer.dataloader.SEQUENCE_DATASET(
        f"{folder}/", data="train_seq.npy", train=True, temporal_window=WINDOW
    )
    return DataLoader(dataset, batch_size=BATCH, shuffle=True, drop_last=True)


def run(module, model, batches, *, future, noise, scheduler, reduction="sum", annealing="linear"):
    """Return the values of train and test, and the learning rate, of each epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005, amsgrad=True)
    scheduler = SCHEDULERS[scheduler](optimizer)
    torch.manual_seed(31)
    np.random.seed(31)  # noqa: NPY002
    rows = []
    for epoch in range(1, EPOCHS + 1):
        trained = module.train(
            batches,
            epoch,
            model,
            optimizer,
            annealing,
            BETA,
            1,
            3,
            WINDOW,
            future,
            FUTURE,
            scheduler,
            reduction,
            reduction,
            KLOSS,
            KLMBDA,
            BATCH,
            noise,
        )[:6]
        tested = module.test(
            batches, model, BETA, trained[0], WINDOW, reduction, KLOSS, KLMBDA, future, BATCH
        )
        rows.append([*trained, *tested, optimizer.param_groups[0]["lr"]])
    return rows


def assert_same_epochs(ours, theirs):
    """Compare single numbers, each with a relative tolerance."""
    assert len(ours) == len(theirs) == EPOCHS
    for row, expected in zip(ours, theirs, strict=True):
        assert row == pytest.approx(expected, rel=TOLERANCE, abs=1e-9)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("noise", [False, True], ids=["plain", "noise"])
@pytest.mark.parametrize("future", [False, True], ids=["no future", "future"])
@pytest.mark.parametrize("loader", [fixed_batches, sampled_batches])
def test_our_functions_train_the_peers_model_as_its_own_functions_do(
    peer, frames, tmp_path, loader, future, noise, scheduler
):
    _, model = make_pair(peer, prediction_decoder=future)
    options = {"future": future, "noise": noise, "scheduler": scheduler}
    batches = loader(frames, peer, tmp_path)
    models = model, copy.deepcopy(model)
    theirs = run(peer.rnn_vae, models[0], batches, **options)
    ours = run(rnn_vae, models[1], batches, **options)
    assert_same_epochs(ours, theirs)
    assert_same_weights(models[1], models[0], tolerance=TOLERANCE)
    # The values have changed: the rate is lower, the weight is higher, and the network has learned.
    assert theirs[-1][-1] < 0.005
    assert [row[0] for row in theirs] == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])
    assert theirs[-1][1] < theirs[0][1]


@pytest.mark.parametrize("noise", [False, True], ids=["plain", "noise"])
@pytest.mark.parametrize("future", [False, True], ids=["no future", "future"])
@pytest.mark.parametrize("softplus", [False, True], ids=["", "softplus"])
def test_our_functions_train_our_model_as_the_peers_functions_train_its_model(
    peer, frames, tmp_path, future, noise, softplus
):
    ours, theirs = make_pair(peer, prediction_decoder=future, softplus=softplus)
    options = {"future": future, "noise": noise, "scheduler": "plateau", "annealing": "sigmoid"}
    batches = sampled_batches(frames, peer, tmp_path)
    expected = run(peer.rnn_vae, theirs, batches, **options)
    assert_same_epochs(run(rnn_vae, ours, batches, **options), expected)
    assert_same_weights(ours, theirs, tolerance=TOLERANCE)


@pytest.mark.parametrize("future", [False, True], ids=["no future", "future"])
def test_epochs_with_averaged_errors_are_the_same(peer, frames, future):
    ours, theirs = make_pair(peer, prediction_decoder=future)
    options = {"future": future, "noise": False, "scheduler": "step", "reduction": "mean"}
    batches = fixed_batches(frames, peer, None)
    expected = run(peer.rnn_vae, theirs, batches, **options)
    assert_same_epochs(run(rnn_vae, ours, batches, **options), expected)
    assert_same_weights(ours, theirs, tolerance=TOLERANCE)


def test_epochs_with_a_smaller_last_batch_are_the_same(peer, frames):
    ours, theirs = make_pair(peer)
    options = {"future": True, "noise": True, "scheduler": "plateau"}
    batches = fixed_batches(frames, peer, None)
    batches[-1] = batches[-1][:4]
    expected = run(peer.rnn_vae, theirs, batches, **options)
    assert_same_epochs(run(rnn_vae, ours, batches, **options), expected)
    assert_same_weights(ours, theirs, tolerance=TOLERANCE)


@pytest.mark.parametrize("future", [False, True], ids=["no future", "future"])
def test_gradients_of_one_step_are_the_same(peer, frames, future):
    ours, theirs = make_pair(peer, prediction_decoder=future)
    batches = fixed_batches(frames, peer, None)[:1]
    gradients = []
    for module, model in ((rnn_vae, ours), (peer.rnn_vae, theirs)):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        torch.manual_seed(31)
        arguments = (WINDOW, future, FUTURE, StepLR(optimizer, 1), "sum", "sum", KLOSS, KLMBDA)
        module.train(batches, 4, model, optimizer, "linear", BETA, 1, 3, *arguments, BATCH, False)
        gradients.append([parameter.grad for parameter in model.parameters()])
    for gradient, expected in zip(*gradients, strict=True):
        assert_close(gradient, expected, tolerance=1e-4)

"""Two processes on the CPU, over gloo, come to what one comes to."""

import contextlib
import multiprocessing
import os
from functools import partial

import pytest
import torch
import torch.distributed as dist
from tiny_models import make_batch, make_config, make_model, make_windows
from vame_core.distributed import Shared, agree, leads
from vame_core.losses import Terms
from vame_core.state import capture, restore
from vame_core.training import Epoch, evaluate, fit, start_training, train_step

PROCESSES = 2
CONFIG = make_config(noise=True, beta=1, kmeans_lambda=0.5, gradient_clip=5.0, max_epochs=2)
WEIGHTS = Terms(reconstruction=100.0, future=50.0, kl=1.0, cluster=0.5)


def in_one_process(work):
    """What `work` returns with the model itself."""
    return work(lambda model: None)


def in_two_processes(work, folder):
    """What `work` returns in each of two processes that share a model."""
    context = multiprocessing.get_context("fork")  # torch is imported already
    queue = context.SimpleQueue()
    meeting = f"file://{folder}/meeting-{len(list(folder.iterdir()))}"

    def process(rank):
        torch.set_num_threads(1)
        dist.init_process_group("gloo", meeting, rank=rank, world_size=PROCESSES)
        queue.put((rank, work(Shared)))
        dist.barrier()
        dist.destroy_process_group()

    children = [context.Process(target=process, args=[rank]) for rank in range(PROCESSES)]
    for child in children:
        child.start()
    results = {}
    with contextlib.suppress(EOFError):
        while len(results) < PROCESSES and any(child.is_alive() for child in children):
            if queue._reader.poll(0.05):
                rank, result = queue.get()
                results[rank] = result
    for child in children:
        child.join(30)
        assert child.exitcode == 0
    return [results[rank] for rank in range(PROCESSES)]


def plain(tensors):
    return {name: value.tolist() for name, value in tensors.items()}


def one_step(share):
    """Terms, gradients and weights after one step, and the windows that the network was given."""
    model = make_model()
    given = []
    model.encoder.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].tolist()))
    called = share(model) or model
    optimizer = torch.optim.Adam(model.parameters())
    measured = train_step(
        called,
        make_batch(batch=8, time=12),
        optimizer,
        WEIGHTS,
        time_window=8,
        kmeans_loss=2,
        noise=True,
        generator=torch.Generator().manual_seed(1),
    )
    gradients = {name: weight.grad for name, weight in model.named_parameters()}
    return measured.tolist(), plain(gradients), plain(model.state_dict()), given[0]


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("step")
    return in_one_process(one_step), in_two_processes(one_step, folder)


def assert_close(one, other, tolerance=1e-6):
    assert one.keys() == other.keys()
    for name, value in one.items():
        expected, found = torch.tensor(value), torch.tensor(other[name])
        scale = expected.abs().max().clamp(min=1e-12)
        assert ((expected - found).abs() / scale).max() < tolerance, name


def test_gradients_are_those_of_one_process(steps):
    (_, expected, _, _), others = steps
    for _, gradients, _, _ in others:
        assert_close(expected, gradients)


def test_terms_and_norm_of_the_gradient_are_those_of_one_process(steps):
    (expected, *_), others = steps
    for measured, *_ in others:
        assert measured == pytest.approx(expected, rel=1e-6)


def test_processes_end_in_the_same_weights(steps):
    _, (first, second) = steps
    assert first[2] == second[2]


def test_processes_share_the_windows_of_one(steps):
    """Each window goes through one of them, with the noise that it has in one process."""
    (*_, expected), others = steps
    assert [window for *_, given in others for window in given] == expected
    assert [len(given) for *_, given in others] == [4, 4]


def train(share, stop_after=None, captured=None):
    """History and weights of a training, or its state after some steps."""
    model = make_model()
    generator = torch.Generator().manual_seed(3)
    windows, held_out = make_windows(), make_windows(frames=60, seed=1)
    state = start_training(model, CONFIG, windows, generator)
    state.shared = share(model)
    if captured is not None:
        restore(state, captured)
    history = []
    for number, event in enumerate(fit(state, windows, held_out, CONFIG)):
        if isinstance(event, Epoch):
            history.append({k: v for k, v in event.row().items() if k != "seconds"})
        if number == stop_after:
            return capture(state)
    return history, plain(model.state_dict())


def test_a_training_is_that_of_one_process(tmp_path):
    expected, weights = in_one_process(train)
    (history, first), (again, second) = in_two_processes(train, tmp_path)
    assert history == again
    assert first == second
    assert_close(weights, first, tolerance=1e-3)  # which Adam makes of the last digits
    for row, other in zip(expected, history, strict=True):
        assert row == pytest.approx(other, rel=1e-3)


def test_a_training_goes_on_from_its_state(tmp_path):
    """The first process's state is all of theirs."""
    whole = in_two_processes(train, tmp_path)
    states = in_two_processes(partial(_train_and_save, tmp_path), tmp_path)
    assert states == [None, None]
    resumed = in_two_processes(partial(_go_on, tmp_path), tmp_path)
    assert [weights for _, weights in resumed] == [weights for _, weights in whole]
    assert resumed[0][0] == whole[0][0][-len(resumed[0][0]) :]


def _train_and_save(folder, share):
    state = train(share, stop_after=0)
    if leads():
        torch.save(state, folder / "state.pt")


def _go_on(folder, share):
    return train(share, captured=torch.load(folder / "state.pt", weights_only=True))


def _agree(share):
    return agree(15 if leads() else 2, torch.device("cpu"))


def test_the_largest_wish_of_all_processes_holds(tmp_path):
    assert in_two_processes(_agree, tmp_path) == [15, 15]
    assert agree(2, torch.device("cpu")) == 2


def _evaluate(share):
    model = make_model()
    batches = [make_batch(batch=4, time=12), make_batch(batch=3, time=12, seed=1)]
    terms, active, variance = evaluate(share(model) or model, batches, time_window=8, kmeans_loss=2)
    return [*terms, active, variance]


def test_held_out_windows_are_judged_alike_an_odd_batch_too(tmp_path):
    first, second = in_two_processes(_evaluate, tmp_path)
    assert first == second
    assert first == pytest.approx(in_one_process(_evaluate), rel=1e-6)


def test_a_process_without_a_gpu_of_its_own_says_so(monkeypatch):
    from vame_core.distributed import join

    monkeypatch.setitem(os.environ, "LOCAL_RANK", "1")
    monkeypatch.setitem(os.environ, "LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="devices: 2 are asked for, and torch sees 1 here"):
        join(torch.device("cuda"))

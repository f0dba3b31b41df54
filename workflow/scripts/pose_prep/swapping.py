"""Frames in which the two keypoints that align the animal have exchanged places.

A tracker that takes the head for the tail reports each at the other's place, so that the animal
seems to turn around between two frames, while its body stays where it is. An animal that does turn
around takes its other keypoints along, and its ends do not come to lie where the others were.
"""

import warnings

import numpy as np

BREAK_SECONDS = 0.5
"""Frames that are farther apart say nothing of each other."""

STEADY = 0.02
"""Smallest scale of a step between two frames, in body lengths: what jitter there is at rest."""
POSSIBLE, CLEAR = -4.0, 4.0
"""Nats by which exchanged places explain a step better than kept ones: to be tried; to be sure."""
TOLD = 10.0
"""Nats of other keypoints that stand in for a clear exchange, as after a gap."""
SHORT_BODY = 0.5
"""Share of its usual length below which a body, reared up or curled, says nothing of its ends."""
POSTURE = 0.05
"""Smallest scale of a posture's change, in body lengths."""
MOST_OF_ONE, MOST_OF_ALL = 4.0, 10.0
"""Nats that one keypoint, and all together, can say at an exchange."""
PER_SECOND = 2.0
"""Postures in a second, roughly: the frames of one say the same, and count as one."""

ENTER, LEAVE = 5.0, 3.0
"""Cost in nats of an exchange, and of the one that ends it."""
STAY, STAY_ALONE = 0.005, 0.05
"""Cost of each frame between them, with and without keypoints that tell the ends apart."""


def find_swapped(
    positions: np.ndarray, measured: np.ndarray, center: int, orient: int, fps: float
) -> np.ndarray:
    """Mark frames in which the keypoints `center` and `orient` have exchanged places, (frame,).

    Positions are (frame, keypoint, axis), in 2D or 3D, `measured` (frame, keypoint). Frames in
    which both are measured are compared with the ones before, across gaps of up to half a second:

    1. Steps are scaled by the median step, times the frames between. An exchange is likely where
       swapped places explain the step better than kept ones, both judged by Cauchy's distribution,
       which expects far steps now and then.
    2. Where a keypoint lies along the body, from -0.5 (center) to 0.5 (orient) and beyond, changes
       its sign if the ends are exchanged, and hardly changes if the whole animal turns.
    3. Between likely exchanges, states are chosen as a whole, with the lowest cost (Viterbi): each
       exchange costs a constant, each frame in a swapped state a little, and a state in which other
       keypoints lie at the wrong end of the body costs more. Without other keypoints, the shorter
       of two stretches is the swapped one.
    """
    swapped = np.zeros(len(positions), dtype=bool)
    judged = np.flatnonzero(measured[:, [center, orient]].all(axis=1))
    if len(judged) < 2:
        return swapped
    ends = positions[judged][:, [center, orient]]
    others = np.where(measured[judged, :, None], positions[judged], np.nan)
    places = _places_along(np.delete(others, [center, orient], axis=1), ends)
    waited = np.diff(judged)
    apart = waited > max(BREAK_SECONDS * fps, 1)
    gain = np.where(apart, -np.inf, _exchange_gain(ends, waited))
    right = _right_end(places)
    cost = (STAY if right.any() else STAY_ALONE) + min(PER_SECOND / fps, 1) * right

    bounds = np.flatnonzero(apart | (gain > POSSIBLE)) + 1
    first = np.concatenate([[0], bounds])
    states = _cheapest(
        np.add.reduceat(cost, first), (gain + _turned_along(places))[bounds - 1], apart[bounds - 1]
    )
    chosen = np.repeat(states, np.diff([*first, len(judged)]))
    clear = np.concatenate([[False], gain > CLEAR, [False]])
    for start, stop in _runs_within(chosen, apart):
        if clear[start] or clear[stop] or -cost[start:stop].sum() > TOLD:
            swapped[judged[start] : judged[stop - 1] + 1] = True
    return swapped


def _runs_within(chosen, apart):
    """(run, 2) first and last + 1 of the chosen frames that lie together."""
    inner = np.concatenate([[True], ~apart])  # a frame that follows the one before it
    starts = np.flatnonzero(chosen & ~(np.concatenate([[False], chosen[:-1]]) & inner))
    follows = np.concatenate([chosen[1:] & inner[1:], [False]])
    return np.stack([starts, np.flatnonzero(chosen & ~follows) + 1], axis=1)


def _exchange_gain(ends, waited):
    """Nats for exchanged rather than kept places at each step of (frame, 2, axis) ends."""
    length = np.median(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=-1))
    steps = np.linalg.norm(np.diff(ends, axis=0), axis=-1)
    across = np.linalg.norm(ends[1:] - ends[:-1, ::-1], axis=-1)
    usual = max(float(np.median(steps / waited[:, None])), STEADY * length)
    if not usual > 0:
        return np.full(len(steps), -np.inf)
    scale = usual * waited[:, None]
    return (np.log1p((steps / scale) ** 2) - np.log1p((across / scale) ** 2)).sum(axis=-1)


def _places_along(others, ends):
    """(frame, keypoint) place of the others along the body; NaN where it is unknown or short."""
    body = ends[:, 1] - ends[:, 0]
    length = np.linalg.norm(body, axis=-1)
    length = np.where(length > SHORT_BODY * np.median(length), length, np.nan)
    from_middle = others - ends.mean(axis=1, keepdims=True)
    return np.einsum("fka,fa->fk", from_middle, body) / length[:, None] ** 2


def _turned_along(places):
    """Nats for an exchange at each step: others stayed, and so lie at the other end now."""
    before, after = places[:-1], places[1:]
    scale = np.maximum(_median(np.abs(np.abs(after) - np.abs(before))), POSTURE)
    told = np.log1p(((after - before) / scale) ** 2) - np.log1p(((after + before) / scale) ** 2)
    told = np.nan_to_num(told).clip(-MOST_OF_ONE, MOST_OF_ONE).sum(axis=1)
    return told.clip(-MOST_OF_ALL, MOST_OF_ALL)


def _right_end(places):
    """(frame,) mean nats of the other keypoints for ends that are not exchanged."""
    usual = np.sign(_median(places)) * _median(np.abs(places))
    scale = np.maximum(_median(np.abs(np.abs(places) - np.abs(usual))), POSTURE)
    telling = np.abs(usual) > 2 * scale
    if not telling.any():
        return np.zeros(len(places))
    places, usual, scale = places[:, telling], usual[telling], scale[telling]
    told = np.log1p(((places + usual) / scale) ** 2) - np.log1p(((places - usual) / scale) ** 2)
    known = np.isfinite(told)
    told = np.nan_to_num(told).clip(-MOST_OF_ONE, MOST_OF_ONE)
    return told.sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _median(values):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning)  # a keypoint that is all NaN
        return np.nan_to_num(np.nanmedian(values, axis=0))


def _cheapest(cost, gain, apart):
    """(stretch,) bool: the stretches that are swapped, by the lowest total cost.

    Parameters
    ----------
    cost
        (stretch,) of being swapped, in nats.
    gain
        (stretch - 1,) nats for an exchange between a stretch and the next.
    apart
        (stretch - 1,) true where nothing is known of that.
    """
    right, swapped, origins = 0.0, ENTER - LEAVE + float(cost[0]), []
    for own, exchange, free in zip(cost[1:].tolist(), gain.tolist(), apart.tolist(), strict=True):
        if free:
            ways = [(right, swapped), (right + ENTER - LEAVE, swapped + ENTER - LEAVE)]
        else:
            ways = [(right + exchange, swapped + LEAVE), (right + ENTER, swapped + exchange)]
        origins.append([before[1] < before[0] for before in ways])
        right, swapped = min(ways[0]), min(ways[1]) + own
    state = swapped < right
    states = [state]
    for origin in reversed(origins):
        state = origin[state]
        states.append(state)
    return np.array(states[::-1], dtype=bool)


def settle_swaps(
    positions: np.ndarray, missing: np.ndarray, swapped: np.ndarray, pair: list[int], how: str
) -> tuple[np.ndarray, np.ndarray]:
    """Exchange the pair back in swapped frames (`fix`), or count both as missing there (`drop`).

    Positions are (frame, keypoint, axis), `missing` (frame, keypoint), `swapped` (frame,); with
    `report` they are returned as they are.
    """
    positions, missing = positions.copy(), missing.copy()
    both = np.ix_(swapped, pair)
    if how == "fix":
        positions[both] = positions[both][:, ::-1]
        missing[both] = missing[both][:, ::-1]
    elif how == "drop":
        missing[both] = True
    return positions, missing

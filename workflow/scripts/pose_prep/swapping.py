"""Frames in which the two keypoints that align the animal are swapped.

A tracker that takes the head for the tail reports each at the other's place, so that the animal
seems to turn around between two frames, while its body stays in place. An animal that really turns
around moves its other keypoints as well, and its ends do not take each other's places.
"""

import warnings

import numpy as np

BREAK_SECONDS = 0.5
"""Gap in seconds beyond which frames are not compared."""

STEADY = 0.02
"""Smallest scale of a step between two frames, in body lengths: the jitter at rest."""
POSSIBLE, CLEAR = -4.0, 4.0
"""Nats by which a swap must explain a step better than none: to be tried; to be certain."""
TOLD = 10.0
"""Nats of other keypoints that replace a clear swap, as after a gap."""
SHORT_BODY = 0.5
"""Share of its typical length below which a body (rearing, curled up) does not show its ends."""
POSTURE = 0.05
"""Smallest scale of a posture's change, in body lengths."""
MOST_OF_ONE, MOST_OF_ALL = 4.0, 10.0
"""Maximum nats of one keypoint, and of all together, at a swap."""
PER_SECOND = 2.0
"""Approximate postures per second: the frames of one posture count as one."""

ENTER, LEAVE = 5.0, 3.0
"""Cost in nats of a swap, and of the one that ends it."""
STAY, STAY_ALONE = 0.005, 0.05
"""Cost of each frame between them, with and without keypoints that distinguish the ends."""


def find_swapped(
    positions: np.ndarray, measured: np.ndarray, center: int, orient: int, fps: float
) -> np.ndarray:
    """Mark frames in which the keypoints `center` and `orient` are swapped, (frame,).

    Positions are (frame, keypoint, axis), in 2D or 3D, `measured` (frame, keypoint). Frames in
    which both are measured are compared with the previous ones, across gaps of up to half a second:

    1. Steps are scaled by the median step, times the frames between. A swap is likely where
       swapped places explain the step better than kept ones, both under a Cauchy distribution,
       which allows for occasional far steps.
    2. The place of a keypoint along the body, from -0.5 (center) to 0.5 (orient) and beyond,
       changes its sign if the ends are swapped, and changes little if the whole animal turns.
    3. Between likely swaps, states are chosen jointly, with the lowest cost (Viterbi): each
       swap has a constant cost, each frame in a swapped state a small one, and a state in which
       other keypoints are at the wrong end of the body costs more. Without other keypoints, the
       shorter of two runs is the swapped one.
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
    """Return (run, 2) first and last + 1 of contiguous chosen frames."""
    inner = np.concatenate([[True], ~apart])  # a frame that directly follows the previous one
    starts = np.flatnonzero(chosen & ~(np.concatenate([[False], chosen[:-1]]) & inner))
    follows = np.concatenate([chosen[1:] & inner[1:], [False]])
    return np.stack([starts, np.flatnonzero(chosen & ~follows) + 1], axis=1)


def _exchange_gain(ends, waited):
    """Compute nats for swapped rather than kept places at each step of (frame, 2, axis) ends."""
    length = np.median(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=-1))
    steps = np.linalg.norm(np.diff(ends, axis=0), axis=-1)
    across = np.linalg.norm(ends[1:] - ends[:-1, ::-1], axis=-1)
    usual = max(float(np.median(steps / waited[:, None])), STEADY * length)
    if not usual > 0:
        return np.full(len(steps), -np.inf)
    scale = usual * waited[:, None]
    return (np.log1p((steps / scale) ** 2) - np.log1p((across / scale) ** 2)).sum(axis=-1)


def _places_along(others, ends):
    """Compute the (frame, keypoint) place of others along the body; NaN where unknown or short."""
    body = ends[:, 1] - ends[:, 0]
    length = np.linalg.norm(body, axis=-1)
    length = np.where(length > SHORT_BODY * np.median(length), length, np.nan)
    from_middle = others - ends.mean(axis=1, keepdims=True)
    return np.einsum("fka,fa->fk", from_middle, body) / length[:, None] ** 2


def _turned_along(places):
    """Compute nats for a swap at each step: others stayed, and so are at the other end now."""
    before, after = places[:-1], places[1:]
    scale = np.maximum(_median(np.abs(np.abs(after) - np.abs(before))), POSTURE)
    evidence = np.log1p(((after - before) / scale) ** 2) - np.log1p(((after + before) / scale) ** 2)
    evidence = np.nan_to_num(evidence).clip(-MOST_OF_ONE, MOST_OF_ONE).sum(axis=1)
    return evidence.clip(-MOST_OF_ALL, MOST_OF_ALL)


def _right_end(places):
    """Compute the (frame,) mean nats of the other keypoints for ends that are not swapped."""
    usual = np.sign(_median(places)) * _median(np.abs(places))
    scale = np.maximum(_median(np.abs(np.abs(places) - np.abs(usual))), POSTURE)
    telling = np.abs(usual) > 2 * scale
    if not telling.any():
        return np.zeros(len(places))
    places, usual, scale = places[:, telling], usual[telling], scale[telling]
    evidence = np.log1p(((places + usual) / scale) ** 2) - np.log1p(((places - usual) / scale) ** 2)
    known = np.isfinite(evidence)
    evidence = np.nan_to_num(evidence).clip(-MOST_OF_ONE, MOST_OF_ONE)
    return evidence.sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _median(values):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning)  # a keypoint with NaN only
        return np.nan_to_num(np.nanmedian(values, axis=0))


def _cheapest(cost, gain, apart):
    """Choose the swapped runs, (run,) bool, by the lowest total cost.

    Parameters
    ----------
    cost
        (run,) cost of being swapped, in nats.
    gain
        (run - 1,) nats for a swap between a run and the next.
    apart
        (run - 1,) true where this is unknown.
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
    """Swap the pair back in swapped frames (`fix`), or count both as missing there (`drop`).

    Positions are (frame, keypoint, axis), `missing` (frame, keypoint), `swapped` (frame,); with
    `report` they are returned unchanged.
    """
    positions, missing = positions.copy(), missing.copy()
    both = np.ix_(swapped, pair)
    if how == "fix":
        positions[both] = positions[both][:, ::-1]
        missing[both] = missing[both][:, ::-1]
    elif how == "drop":
        missing[both] = True
    return positions, missing

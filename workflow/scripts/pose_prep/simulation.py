"""Simulation of a mouse with known behaviour, as a tracker would report it from above.

The animal shows one behaviour after another (a semi-Markov chain). Each behaviour is a
posture that moves in its own way and tempo, in a frame of reference that moves with the animal;
transitions take about 0.15 s. The camera looks down and image y points down, so
that positive angles turn right. Tracking errors are added: jitter, swapped
paws, lost keypoints. Lengths are pixels, times seconds, angles radians.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

PLACES = {  # of a standing animal: x ahead of the tail base, y to the right
    "nose": (66.0, 0.0),
    "left_fore_paw": (46.0, -9.0),
    "right_fore_paw": (46.0, 9.0),
    "left_hind_paw": (13.0, -13.0),
    "right_hind_paw": (13.0, 13.0),
    "tail_base": (0.0, 0.0),
}
KEYPOINTS = list(PLACES)
NOSE, LEFT_FORE, RIGHT_FORE, LEFT_HIND, RIGHT_HIND, _ = range(6)
PAWS = [LEFT_FORE, RIGHT_FORE, LEFT_HIND, RIGHT_HIND]

BEHAVIOURS = ["rest", "groom", "walk", "turn_left", "turn_right", "rear"]
MEAN_DURATION = np.array([2.0, 2.2, 1.5, 1.0, 1.0, 1.6])
# Chance of the next behaviour (column) after each (row), before the weights of groups.
SUCCESSION = np.array(
    [  # rest groom walk left right rear
        [0.0, 4.0, 3.0, 1.0, 1.0, 1.0],
        [4.0, 0.0, 2.0, 1.0, 1.0, 1.0],
        [1.5, 1.0, 0.0, 3.0, 3.0, 2.0],
        [1.0, 0.5, 5.0, 0.0, 0.7, 1.5],
        [1.0, 0.5, 5.0, 0.7, 0.0, 1.5],
        [2.0, 2.0, 2.5, 1.5, 1.5, 0.0],
    ]
)
# A group shows some behaviours more often (appeal) and for longer or shorter (persistence). These
# two differ so much in all but rearing that a minute of four animals of each shows it.
GROUPS = {
    "calm": {
        "appeal": [1.5, 1.5, 0.9, 0.5, 0.5, 1.3],
        "persistence": [1.0, 1.0, 0.7, 0.6, 0.6, 0.9],
    },
    "active": {
        "appeal": [0.5, 0.5, 0.9, 2.1, 2.1, 0.9],
        "persistence": [0.6, 0.6, 1.1, 1.2, 1.2, 0.9],
    },
}


ARENA = 600.0
MARGIN = 90.0  # between the tail base and the wall: enough for the longest animal
BLEND = 0.06  # standard deviation of the Gaussian that blends behaviours: 0.15 s from 10 to 90 %


def simulate_recording(
    rng: np.random.Generator,
    n_frames: int,
    fps: float,
    group: str = "calm",
    groups: Mapping[str, Mapping[str, Sequence[float]]] = GROUPS,
) -> tuple[np.ndarray, np.ndarray]:
    """Simulate one animal in an arena of 600 x 600 pixels.

    Parameters
    ----------
    groups
        Of each group, the `appeal` and `persistence` of each behaviour.

    Returns
    -------
    tracks
        (frame, keypoint, 3) float64: x, y and likelihood of `KEYPOINTS`.
    labels
        (frame,) the behaviour of each frame, a name in `BEHAVIOURS`.
    """
    if group not in groups:
        raise ValueError(f"group {group!r}: the simulation knows {', '.join(groups)}")
    size, tempo = rng.normal(1, [0.06, 0.08]).clip(0.85, 1.15)
    behaviour = draw_behaviours(rng, n_frames, fps, **groups[group])
    weights = gaussian_filter1d(np.eye(len(BEHAVIOURS))[behaviour], BLEND * fps, axis=0)

    posture, speed, turning = _move(_Rhythms(rng, n_frames, fps, tempo))
    body = size * np.einsum("fb,fbka->fka", weights, posture)
    speed, turning = size * (weights * speed).sum(axis=1), (weights * turning).sum(axis=1)
    place, heading = _travel(rng, fps, speed, turning)
    positions = place[:, None] + _rotate(body, heading)
    return _track(rng, positions, fps), np.array(BEHAVIOURS)[behaviour]


def draw_behaviours(
    rng: np.random.Generator,
    n_frames: int,
    fps: float,
    appeal: Sequence[float],
    persistence: Sequence[float],
) -> np.ndarray:
    """Sample (frame,) int: a semi-Markov chain with gamma durations, no self-transition."""
    succession = SUCCESSION * appeal
    succession = (succession / succession.sum(axis=1, keepdims=True)).cumsum(axis=1)
    shape = 4.0
    scale = MEAN_DURATION * persistence * fps / shape
    current, sequence, durations = int(rng.integers(len(BEHAVIOURS))), [], []
    while sum(durations) < n_frames:
        sequence.append(current)
        durations.append(max(round(rng.gamma(shape, scale[current])), round(0.3 * fps), 1))
        current = int(np.searchsorted(succession[current], rng.random(), side="right"))
    return np.repeat(sequence, durations)[:n_frames]


def write_deeplabcut_csv(
    path: str | Path, tracks: np.ndarray, keypoints: Sequence[str], scorer: str
) -> None:
    """Write (frame, keypoint, 3) tracks as DeepLabCut does: three header rows, frames from 0."""
    coords = ["x", "y", "likelihood"]
    columns = [
        ("scorer", "bodyparts", "coords"),
        *((scorer, keypoint, coord) for keypoint in keypoints for coord in coords),
    ]
    header = "\n".join(",".join(row) for row in zip(*columns, strict=True))
    table = np.column_stack([np.arange(len(tracks)), tracks.reshape(len(tracks), -1)])
    formats = ["%d", *["%.4f"] * (len(columns) - 1)]
    np.savetxt(path, table, formats, delimiter=",", header=header, comments="")


@dataclass(frozen=True)
class _Rhythms:
    """Random fluctuations and rhythms of one animal, each (frame,)."""

    rng: np.random.Generator
    n_frames: int
    fps: float
    tempo: float

    def wander(self, scale, period):
        """Return a slow random fluctuation with standard deviation `scale`."""
        noise = self.rng.normal(size=self.n_frames)
        course = gaussian_filter1d(noise, period * self.fps / 4, mode="wrap")
        return scale * course / max(course.std(), 1e-9)

    def phase(self, frequency):
        """Return the phase of a rhythm whose frequency varies by a tenth."""
        rate = self.tempo * frequency * (1 + self.wander(0.1, 1.0))
        return 2 * np.pi * (self.rng.random() + np.cumsum(rate) / self.fps)


def _move(rhythms):
    """Compute what each behaviour would look like at every frame.

    Returns posture (frame, behaviour, keypoint, 2) with the tail base at the origin, x ahead and
    y to the right, speed and turning rate (frame, behaviour).
    """
    # All share one stance: behaviours differ mainly in how they move.
    posture = np.repeat(_stand(rhythms)[:, None], len(BEHAVIOURS), axis=1)
    speed = np.zeros(posture.shape[:2])
    turning = np.zeros_like(speed)
    rest, groom, walk, turn_left, turn_right, rear = range(len(BEHAVIOURS))

    breath = np.sin(rhythms.phase(2.0))
    posture[:, rest, NOSE, 0] += -6 + 1.0 * breath
    posture[:, rest, LEFT_FORE, 1] += 1 - 0.6 * breath
    posture[:, rest, RIGHT_FORE, 1] += 0.6 * breath - 1

    # Both fore paws circle at the snout, which nods with them.
    stroke = rhythms.phase(6.0)
    vigour = 1 + rhythms.wander(0.25, 0.8)
    posture[:, groom, NOSE, 0] += -9 + 1.5 * np.sin(stroke)
    for paw, inward in ((LEFT_FORE, 1), (RIGHT_FORE, -1)):
        posture[:, groom, paw, 0] += 3 + 3.5 * vigour * np.sin(stroke)
        posture[:, groom, paw, 1] += inward * (2 + 2.5 * vigour * np.cos(stroke))

    gaits = {  # steps per second, stride, speed, turning rate
        walk: (3.0, 8.0, 110.0, 0.0),
        turn_left: (2.0, 4.0, 25.0, -2.6),
        turn_right: (2.0, 4.0, 25.0, 2.6),
    }
    for gait, (frequency, stride, pace, rate) in gaits.items():
        vigour = _step(posture[:, gait], rhythms, frequency, stride, rate)
        speed[:, gait] = pace * vigour
        turning[:, gait] = rate * vigour

    # Seen from above the body shortens; the fore paws are raised together and explore.
    height = 0.5 + 0.12 * np.sin(rhythms.phase(0.8))
    posture[:, rear, NOSE, 0] *= 1 - 0.5 * height
    for paw in (LEFT_FORE, RIGHT_FORE):
        posture[:, rear, paw, 0] *= 1 - 0.4 * height
        posture[:, rear, paw, 0] += 2.0 * np.sin(rhythms.phase(1.5))
    posture[:, rear, LEFT_HIND, 1] -= 2
    posture[:, rear, RIGHT_HIND, 1] += 2
    return posture, speed, turning


def _stand(rhythms):
    """Return (frame, keypoint, 2) of an animal that stands, stretches and shifts its paws."""
    stance = np.tile([*PLACES.values()], (rhythms.n_frames, 1, 1))
    stretch = rhythms.wander(2.5, 3.0)
    stance[:, NOSE, 0] += stretch
    stance[:, [LEFT_FORE, RIGHT_FORE], 0] += 0.6 * stretch[:, None]
    for paw in PAWS:
        stance[:, paw] += np.stack([rhythms.wander(1.5, 2.0), rhythms.wander(1.2, 2.0)], axis=-1)
    return stance


def _step(posture, rhythms, frequency, stride, rate):
    """Let (frame, keypoint, 2) trot, diagonal pairs in step; return the intensity (frame,).

    Turning is a slower trot, on a bent body.
    """
    step = rhythms.phase(frequency)
    for paw, lead in zip(PAWS, (0, np.pi, np.pi, 0), strict=True):
        posture[:, paw, 0] += stride * np.sin(step + lead)
    posture[:, NOSE, 0] += 1.0 * np.sin(2 * step)
    vigour = 1 + rhythms.wander(0.2, 1.0)
    if rate:
        # Each point is moved sideways by the square of its distance from the tail.
        bend = np.sign(rate) * (18 + rhythms.wander(3.0, 0.8))[:, None]
        posture[..., 1] += bend * (posture[..., 0] / 66) ** 2
    return vigour


def _travel(rng, fps, speed, turning):
    """Return tail base (frame, 2) and heading (frame,) of an animal that avoids walls."""
    place = np.empty((len(speed), 2))
    heading = np.empty(len(speed))
    x, y = rng.uniform(MARGIN, ARENA - MARGIN, size=2)
    angle = rng.uniform(-np.pi, np.pi)
    for frame in range(len(speed)):
        to_middle = np.arctan2(ARENA / 2 - y, ARENA / 2 - x)
        far_out = max(abs(x - ARENA / 2), abs(y - ARENA / 2)) / (ARENA / 2 - MARGIN)
        steer = 0.03 * speed[frame] * far_out**4 * np.sin(to_middle - angle)
        angle += (turning[frame] + steer) / fps
        x = min(max(x + speed[frame] * np.cos(angle) / fps, MARGIN), ARENA - MARGIN)
        y = min(max(y + speed[frame] * np.sin(angle) / fps, MARGIN), ARENA - MARGIN)
        place[frame], heading[frame] = (x, y), angle
    return place, heading


def _rotate(points, angle):
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = points[..., 0], points[..., 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)


def _track(rng, positions, fps):
    """Return positions as a tracker reports them: (frame, keypoint, 3)."""
    n_frames, n_keypoints, _ = positions.shape
    seconds = n_frames / fps
    seen = positions + rng.normal(scale=0.8, size=positions.shape)
    likelihood = 1 - 0.04 * rng.beta(1, 8, size=(n_frames, n_keypoints))

    for _ in range(rng.poisson(seconds / 15)):
        start, stop = _draw_stretch(rng, n_frames, 2, 6)
        pair = rng.choice(PAWS, size=2, replace=False)
        seen[start:stop, pair] = seen[start:stop, pair[::-1]]
        likelihood[start:stop, pair] = rng.uniform(0.2, 0.8, size=(stop - start, 2))

    short = [(1, 5)] * rng.poisson(seconds / 4)
    long = [(round(0.5 * fps), round(2 * fps))] * rng.poisson(seconds / 60)
    for shortest, longest in short + long:
        start, stop = _draw_stretch(rng, n_frames, shortest, longest)
        keypoint = rng.integers(n_keypoints)
        seen[start:stop, keypoint] = rng.uniform(0, ARENA, size=(stop - start, 2))
        likelihood[start:stop, keypoint] = rng.beta(1.5, 6, size=stop - start).clip(0, 0.8)
    return np.concatenate([seen, likelihood[..., None]], axis=-1)


def _draw_stretch(rng, n_frames, shortest, longest):
    start = int(rng.integers(n_frames))
    return start, min(start + int(rng.integers(shortest, longest, endpoint=True)), n_frames)

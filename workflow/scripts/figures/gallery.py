"""All films of a segmentation, each as a file and together on one page."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd
from formats.aligned import open_aligned

from figures.examples import cut_bout, load_bouts
from figures.films import draw_film, save_film
from figures.motif_marks import colours_of, given_colours, names_of, shares_of
from figures.skeletons import edges_of, mean_animal
from figures.style import FAINT, INK, shorten
from figures.videos import Video, film_bouts, save_video


def film_motifs(
    usage: pd.DataFrame,
    profile: pd.DataFrame,
    examples: pd.DataFrame,
    aligned: Mapping[str, str | Path],
    videos: Mapping[str, Video],
    folder: str | Path,
    *,
    example_bouts: int,
    skeleton: Sequence[Sequence[str]] | None,
    center: str,
    orient: str,
) -> dict[int, list[Path]]:
    """Write the films of each motif to a folder: a gif, and an mp4 if there is a video.

    Parameters
    ----------
    usage, profile, examples
        `usage.csv`, `profile.csv`, and `examples.csv`, of which `example_bouts` per motif are used.
    aligned
        Aligned poses by session.
    videos
        Video by session, if there is one.

    Returns
    -------
    By motif its gif, and its mp4 if there is one.
    """
    Path(folder).mkdir(exist_ok=True)  # an output of the rule, even without a film in it
    bodies = _Bodies(profile, usage, skeleton, center, orient)
    shown = examples[examples["rank"] <= (example_bouts if bodies.names else 0)]
    bouts = load_bouts(shown, aligned, center)
    called = names_of(usage)
    films = {}
    for motif, share in shares_of(usage).items():
        said = f"{shorten(called.get(motif, ''), 24)} {share:.1%} of frames".strip()
        place = Path(folder, f"motif{motif}")
        films[motif] = bodies.film(motif, bouts.get(motif, []), said, videos, place)
    return films


def film_suggestions(
    suggestions: pd.DataFrame,
    usage: pd.DataFrame,
    profile: pd.DataFrame,
    aligned: Mapping[str, str | Path],
    videos: Mapping[str, Video],
    folder: str | Path,
    *,
    skeleton: Sequence[Sequence[str]] | None,
    center: str,
    orient: str,
) -> dict[int, list[Path]]:
    """Write a film of each bout that is suggested, as `film_motifs` does of the bouts of a motif.

    Returns
    -------
    By rank its gif, and its mp4 where there is a video.
    """
    Path(folder).mkdir(exist_ok=True)  # an output of the rule, even without a film in it
    bodies = _Bodies(profile, usage, skeleton, center, orient)
    films = {}
    for row in suggestions.itertuples() if bodies.names else ():
        own = open_aligned(aligned[row.session])
        bout = cut_bout(row.session, own, center, row.start, row.stop - 1)
        place = Path(folder, f"bout{row.rank:02d}")
        films[row.rank] = bodies.film(row.motif, [bout], shorten(row.name, 24), videos, place)
    return films


class _Bodies:
    """What films need to draw animals: names and mean places of keypoints, lines, colours."""

    def __init__(self, profile, usage, skeleton, center, orient) -> None:
        self.names, self._pose = mean_animal(profile, center)
        self._edges = edges_of(self.names, self._pose, skeleton)
        self._head = self.names.index(orient) if orient in self.names else None
        self._colours = colours_of(usage)

    def film(self, motif, bouts, said, videos, place) -> list[Path]:
        """Write a gif of these bouts, and an mp4 of those with a video; return their paths."""
        paths = [place.with_name(f"{place.name}.gif")]
        filmed = [bout for bout in bouts if bout.session in videos]
        with given_colours(self._colours):
            frames = draw_film(motif, bouts, self._edges, self._head, self._pose, said)
            save_film(frames, paths[0])
            if filmed:
                paths.append(place.with_name(f"{place.name}.mp4"))
                cuts = film_bouts(motif, filmed, [videos[bout.session] for bout in filmed])
                save_video(cuts, paths[1])
        return paths


def gallery_of_suggestions(
    title: str, suggestions: pd.DataFrame, films: Mapping[int, Sequence[Path]]
) -> str:
    """Put the films of all bouts that are suggested on one page, with what is known of each."""
    figures = []
    for row in suggestions.itertuples():
        place = f"{row.rank}. {row.session}, {row.start_seconds:.2f} to {row.stop_seconds:.2f} s"
        chances = [(row.likely, row.probability), (row.second, row.second_probability)]
        told = ", ".join(f"{label} {chance:.0%}" for label, chance in chances if label)
        caption = f"<figcaption>{escape(place)}<br>{escape(told)}</figcaption>"
        shown = "".join(map(_embedded, films.get(row.rank, ())))
        figures.append(f'<figure id="bout{row.rank}">{shown}{caption}</figure>')
    said = (
        "The bouts whose labels would be most informative, in falling order; if there are labels, "
        "the two most probable labels of each. Coloured: within the bout; grey: before and after "
        "it."
    )
    return _page(title, said if figures else "There is no bout to suggest.", figures)


def gallery(title: str, films: Mapping[int, Sequence[Path]]) -> str:
    """Put all films of a segmentation on one self-contained page.

    Parameters
    ----------
    films
        The result of `film_motifs`.
    """
    figures = [
        f'<figure id="motif{motif}">{"".join(map(_embedded, paths))}</figure>'
        for motif, paths in films.items()
    ]
    said = (
        "The bouts nearest to each motif's centre, side by side, in real time. Coloured: within "
        "the bout; grey: before and after it. The dark point is the keypoint <code>orient</code>; "
        "at the start of the bout the animal faces right."
    )
    return _page(title, said, figures)


def _page(title: str, said: str, figures: Sequence[str]) -> str:
    shown = "\n".join(figures)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(title)}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; color: {INK}; margin: 1.5rem; }}
main {{ display: flex; flex-wrap: wrap; gap: 1rem; }}
figure {{ margin: 0; padding: .3rem; border: 1px solid {FAINT}; border-radius: 4px; }}
figcaption {{ font-size: .85em; max-width: 15em; overflow-wrap: anywhere; }}
img, video {{ display: block; max-width: 100%; }}
</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p>{said}</p>
<main>
{shown}
</main>
</body>
</html>
"""


def _embedded(path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode()
    if path.suffix == ".mp4":
        return (
            f'<video autoplay loop muted playsinline src="data:video/mp4;base64,{content}"></video>'
        )
    return f'<img alt="{escape(path.stem)}" src="data:image/gif;base64,{content}">'

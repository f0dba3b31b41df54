"""Write the summary of a run: a separate page, and the start page of the report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from formats.files import read_json
from formats.tables import read_table
from jinja2 import Environment

from reporting.differences import kinds_within
from reporting.facts import cautions, motif_sentences, shown, training_sentences
from reporting.methods import REFERENCES, as_bibtex, methods_of

TABLES = ("usage", "communities", "groups", "comparisons_over_time", "quality")
"""Of each segmentation, what the page is made of."""
LISTED = 40
"""Number of recordings in the table; the file has all."""
VERDICTS = {
    "good": "✓ good",
    "doubtful": "~ doubtful",
    "bad": "✗ bad",
    "unknown": "? unknown",
}
_ORDER = {"bad": 0, "doubtful": 1, "good": 2, "unknown": 3}

STYLE = """
#summary { max-width: 58rem; color: #222; overflow-wrap: anywhere; }
#summary h1 { font-size: 1.6rem; margin: .8rem 0 .2rem; }
#summary h2 { font-size: 1.15rem; margin: 1.5rem 0 .4rem; border-bottom: 1px solid #e2e2e2; }
#summary h3 { font-size: 1rem; margin: 1rem 0 .3rem; }
#summary table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-size: .85rem;
  table-layout: auto; }
#summary th, #summary td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid #eee; }
#summary td.number, #summary th.number { text-align: right; overflow-wrap: normal; }
#summary .number + td:not(.number), #summary .number + th:not(.number) { padding-left: 1.2rem; }
#summary .verdict { white-space: nowrap; font-weight: 600; border-radius: 4px;
  padding: .05rem .4rem; }
#summary .good { background: #d9efe8; color: #00573f; }
#summary .doubtful { background: #fbeccc; color: #6b4a00; }
#summary .bad { background: #f8dccb; color: #8a3c00; }
#summary .unknown { background: #ececec; color: #555; }
#summary p { margin: .4rem 0; }
#summary ul { margin: .4rem 0; padding-left: 1.2rem; list-style: disc; }
"""

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Summary of the run</title>
<style>{{ style }}
body > #summary { margin: 2rem auto; font: 15px/1.55 system-ui, sans-serif; }
</style>
</head>
<body>
<div id="summary">
<h1>Summary of the run</h1>
<p>
{% if best %}
This page describes model <b>{{ best.model }}</b>, seed {{ best.seed }}, with motifs of segmentation
<b>{{ best.segmentation }}</b>{{ " (the chosen model: " ~ chosen.because ~ ")" if chosen }}.
{% endif %}
All figures with captions are under <i>Results</i> in the menu of the report, and as svg and png
in results/figures and results/quality.
</p>

<h2>Training data</h2>
{% if frozen %}
<p>No model was trained: these recordings were embedded with the model of {{ frozen }}.</p>
{% endif %}
{% for sentence in training %}
<p>{{ sentence }}</p>
{% endfor %}
<table>
<thead><tr><th>recording</th><th class="number">minutes</th><th class="number">usable</th>
<th>least usable keypoint</th><th>exclude?</th></tr></thead>
<tbody>
{% for row in recordings %}
<tr><td>{{ row.session }}</td><td class="number">{{ "%.1f" | format(row.minutes) }}</td>
<td class="number">{{ "%.0f%%" | format(100 * row.usable_share) }}</td>
<td>{{ row.worst }}</td>
<td>{{ row.leave_out_because or "no" }}</td></tr>
{% endfor %}
</tbody>
</table>
{% if more_recordings %}
<p>and {{ more_recordings }} more, in results/quality.csv.</p>
{% endif %}

{% if best %}
<h2>Quality</h2>
<table>
<thead><tr><th></th><th>finding</th><th class="number">value</th>
<th class="number">interval</th><th class="number">compared with</th></tr></thead>
<tbody>
{% for finding in best.findings %}
<tr><td><span class="verdict {{ finding.verdict }}">{{ verdicts[finding.verdict] }}</span></td>
<td>{{ finding.sentence }}</td><td class="number">{{ shown(finding.value) }}</td>
<td class="number">{% if finding.low is number and finding.high is number %}
{{ shown(finding.low) }} to {{ shown(finding.high) }}{% endif %}</td>
<td class="number">{{ shown(finding.baseline) }}</td></tr>
{% endfor %}
</tbody>
</table>

<h2>Motifs and groups</h2>
{% for sentence in best.found %}
<p>{{ sentence }}</p>
{% endfor %}

<h2>Cautions</h2>
<ul>
{% for sentence in best.cautions %}
<li>{{ sentence }}</li>
{% else %}
<li>None.</li>
{% endfor %}
</ul>

<h2>Advice</h2>
<ul>
{% for sentence in best.advice %}
<li>{{ sentence }}</li>
{% else %}
<li>None: no result of this run requires a change.</li>
{% endfor %}
</ul>
{% endif %}

{% if methods %}
<h2>Methods text for a paper</h2>
<p>{{ methods }}</p>
<ol>
{% for text, doi in references %}
<li>{{ text }}{% if doi %}. doi:{{ doi }}{% endif %}</li>
{% endfor %}
</ol>
<p>The file results/references.bib contains these references.</p>
{% endif %}

{% if others %}
<h2>Other trainings and segmentations</h2>
<table>
<thead><tr><th>model</th><th>seed</th><th>segmentation</th><th class="number">motifs used</th>
{% for verdict in verdicts.values() %}<th class="number">{{ verdict }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in others %}
<tr><td>{{ row.model }}</td><td>{{ row.seed }}</td><td>{{ row.segmentation }}</td>
<td class="number">{{ row.used }}</td>
{% for verdict in verdicts %}<td class="number">{{ row.verdicts[verdict] }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
{% endif %}
</div>
</body>
</html>
"""


def summarise(
    recordings: str,
    dataset: str | None,
    trainings: str | None,
    choice: str | None,
    segmented: Sequence[Mapping[str, str]],
    tables: Mapping[str, Sequence[str]],
    frozen: str | None,
    manifest: str | None,
    motifs: Mapping[str, Any],
) -> tuple[str, str]:
    """Write the page as html, and the references of its methods as BibTeX.

    It describes the chosen model's first segmentation; the others are rows of a table.

    Parameters
    ----------
    recordings
        Path of `results/quality.csv`.
    dataset, trainings, choice
        Paths of `dataset.json`, `comparison.csv`, `choice.json`; None if nothing was trained.
    segmented
        Model, seed and name of each segmentation.
    tables
        In the same order, paths of each one's tables, by the names in `TABLES`.
    frozen
        Folder of the model that was used, if none was trained.
    manifest, motifs
        Path of the chosen export's manifest, and settings of the segmentation, for the methods.
    """
    known = read_table(recordings)
    training, chosen, seeds, methods, cited = [], {}, 0, "", []
    if dataset:
        trained = read_table(trainings)
        training = training_sentences(read_json(dataset), trained)
        chosen = read_json(choice)
        seeds = trained["seed"].nunique()
    rows = [
        _Segmentation(of, *(tables[name][place] for name in TABLES))
        for place, of in enumerate(segmented)
    ]
    best = next((row for row in rows if row.is_of(chosen)), rows[0] if rows else None)
    if best and best.is_of(chosen):
        methods, cited = best.methods(read_json(manifest), training[0], trained, motifs)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(TEMPLATE).render(
        style=STYLE,
        verdicts=VERDICTS,
        shown=shown,
        frozen=frozen,
        chosen=chosen if best and best.is_of(chosen) else {},
        training=training,
        recordings=known.head(LISTED).to_dict("records"),
        more_recordings=max(0, len(known) - LISTED),
        best=best and best.in_words(known, seeds),
        others=[row.in_short() for row in rows if row is not best],
        methods=methods,
        references=[REFERENCES[key] for key in cited],
    )
    return page, as_bibtex(cited)


class _Segmentation:
    """The tables of one segmentation of one training."""

    def __init__(self, of: Mapping[str, str], *paths: str) -> None:
        self.of = of
        self.usage, *self.compared = map(read_table, paths[:-1])
        quality = read_json(paths[-1])
        self.findings, self.advice = quality["findings"], quality["advice"]

    def is_of(self, chosen: Mapping[str, Any]) -> bool:
        return (self.of["model"], self.of["seed"]) == (chosen.get("model"), str(chosen.get("seed")))

    def in_words(self, recordings: pd.DataFrame, seeds: int) -> dict[str, Any]:
        return {
            **self.of,
            "findings": sorted(self.findings, key=lambda finding: _ORDER[finding["verdict"]]),
            "found": motif_sentences(self.usage, *self.compared),
            "cautions": cautions(recordings, self.usage, self.findings, seeds),
            "advice": self.advice,
        }

    def methods(
        self,
        manifest: Mapping[str, Any],
        data: str,
        trained: pd.DataFrame,
        motifs: Mapping[str, Any],
    ) -> tuple[str, list[str]]:
        own = (trained["model"] == self.of["model"]) & (
            trained["seed"].astype(str) == self.of["seed"]
        )
        groups = self.usage.loc[self.usage["group"] != "", "group"].nunique()
        training, name = trained[own].iloc[0].to_dict(), self.of["segmentation"]
        within = kinds_within(*self.compared[1:])
        if "design" in self.compared[1] and not (self.compared[1]["design"] == "independent").any():
            groups = 0  # there are none, or all are compared within animals
        return methods_of(manifest, data, training, name, motifs, groups, within)

    def in_short(self) -> dict[str, Any]:
        counts = Counter(finding["verdict"] for finding in self.findings)
        frames = self.usage.groupby("motif")["frames"].sum()
        used = f"{(frames > 0).sum()} of {len(frames)}"
        return {**self.of, "used": used, "verdicts": {name: counts[name] for name in VERDICTS}}

"""Lay one segmentation's motifs out in tables: use, transitions, profile, examples, groups."""

import numpy as np
import pandas as pd
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from motif_analysis.frames import open_aligned, read_motifs
from motif_analysis.groups import compare_groups
from motif_analysis.hierarchy import community_tables
from motif_analysis.latents import open_latents
from motif_analysis.segmentation import load_segmenter
from motif_analysis.tables import (
    Profile,
    count_transitions,
    example_bouts,
    find_bouts,
    rank_examples,
    transition_table,
    use_of_motifs,
)

log_to(snakemake.log[0])
inputs, settings = snakemake.input, snakemake.params.settings
segmenter = load_segmenter(inputs.segmenter)
n_motifs = segmenter.n_motifs
usage, counts, examples, profile = [], {}, [], None
for row, path, latents, poses in zip(
    snakemake.params.sessions, inputs.motifs, inputs.latents, inputs.aligned, strict=True
):
    aligned, motifs = open_aligned(poses), read_motifs(path)
    bouts = find_bouts(motifs)
    own = use_of_motifs(bouts, n_motifs, aligned.fps)
    usage.append(pd.DataFrame({name: row[name] for name in row}, index=own.index).join(own))
    counts[row["session"]] = count_transitions(bouts, n_motifs)
    profile = profile or Profile(n_motifs, aligned.features, aligned.scalars)
    profile.add(aligned, motifs)
    examples.append(
        example_bouts(row["session"], bouts, open_latents(latents), segmenter, aligned.fps)
    )
usage = pd.concat(usage, ignore_index=True)
counts["all"] = sum(counts.values())
frames = usage.groupby("motif")["frames"].sum().to_numpy()
communities, tree = community_tables(counts["all"], frames, settings["communities"])
latent_map = pd.read_csv(inputs.latent_map, dtype={"session": str}, keep_default_na=False)
motifs_by_session = {
    row["session"]: path for row, path in zip(snakemake.params.sessions, inputs.motifs, strict=True)
}
latent_map.insert(2, "motif", -1)
for session, own in latent_map.groupby("session"):
    latent_map.loc[own.index, "motif"] = read_motifs(motifs_by_session[session])[own["frame"]]
tables = {
    "usage": usage,
    "transitions": transition_table(counts),
    "profile": profile.table(),
    "communities": communities,
    "linkage": tree,
    "examples": rank_examples(examples),
    "latent_map": latent_map,
    "groups": compare_groups(usage, settings["permutations"], np.random.default_rng(0)),
}
with written_aside(snakemake.output, inputs) as output:
    for name, table in tables.items():
        table.to_csv(getattr(output, name), index=False, float_format="%.6g")
print(usage.to_string(index=False, float_format="%.4g"))
print(tables["groups"].to_string(index=False, float_format="%.4g"))
record_job(snakemake)

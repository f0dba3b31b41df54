"""Embed one recording with one model: the latents of the window that starts at each frame."""

from pathlib import Path

from formats.aligned import open_aligned
from formats.files import write_json
from formats.latents import write_latents
from job import job
from vame_core.determinism import choose_device, use_threads
from vame_core.embedding import embed, load_exported, poses_as_trained, windows_of
from vame_core.familiarity import measure_session

with job(snakemake) as out:
    use_threads(snakemake.threads)
    device = choose_device(snakemake.params.settings["device"])
    out.device = str(device)
    model, header = load_exported(Path(snakemake.input.model), device)
    aligned = open_aligned(snakemake.input.aligned)
    poses = poses_as_trained(aligned, header, snakemake.input.aligned)
    shape = windows_of(poses, model), model.network.zdims
    write_latents(out.latents, embed(model, poses, aligned.usable, header["scaling"]), shape)
    familiarity = measure_session(model, poses, aligned, header)
    write_json(out.familiarity, familiarity)
    print(
        f"{shape[0]} windows of {model.network.time_window} frames, {shape[1]} latents, "
        f"{aligned.usable.mean():.1%} of {len(aligned.usable)} frames usable; {familiarity}"
    )

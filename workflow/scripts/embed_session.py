"""Embed one recording with one model: the latents of the window that begins at each frame."""

from pathlib import Path

from job_log import log_to
from job_record import record_job
from vame_core.determinism import choose_device, use_threads
from vame_core.embedding import embed, load_exported, open_aligned, windows_of, write_latents

log_to(snakemake.log[0])
use_threads(snakemake.threads)
device = choose_device(snakemake.params.settings["device"])
model, header = load_exported(Path(snakemake.input.model), device)
poses, usable = open_aligned(Path(snakemake.input.aligned), header["features"], header["fps"])
shape = windows_of(poses, model), model.network.zdims
write_latents(Path(snakemake.output.latents), embed(model, poses, usable, header["scaling"]), shape)
print(
    f"{shape[0]} windows of {model.network.time_window} frames, {shape[1]} latents, "
    f"{usable.mean():.1%} of {len(usable)} frames usable"
)
record_job(snakemake, device=str(device))

"""Film example bouts of each motif: from the tracks, and from the videos that the sheet names."""

from pathlib import Path
from tempfile import TemporaryDirectory

from figures.examples import draw_film, gallery, load_bouts, save_film
from figures.skeletons import edges_of, mean_animal
from figures.style import read_table
from figures.usage import shares_of
from figures.videos import film_bouts, save_video
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job

log_to(snakemake.log[0])
inputs, params, settings = snakemake.input, snakemake.params, snakemake.params.settings
examples = read_table(inputs.examples)
examples = examples[examples["rank"] <= settings["example_bouts"]]
bouts = load_bouts(
    examples, dict(zip(params.sessions, inputs.aligned, strict=True)), settings["center"]
)
names, pose = mean_animal(read_table(inputs.profile), settings["center"])
edges = edges_of(names, pose, settings["skeleton"])
head = names.index(settings["orient"]) if settings["orient"] in names else None
videos = dict(zip(params.filmed, inputs.videos, strict=True))
outputs = {name: path for name, path in snakemake.output.items() if path}
with written_aside(outputs, inputs) as output, TemporaryDirectory() as elsewhere:
    # Where there is no folder of single films, the page has them all the same.
    folder = Path(getattr(output, "films", elsewhere))
    folder.mkdir(exist_ok=True)
    films = {}
    for motif, share in shares_of(read_table(inputs.usage)).items():
        own = bouts.get(motif, []) if names else []
        films[motif] = [folder / f"motif{motif}.gif"]
        save_film(
            draw_film(motif, own, edges, head, pose, f"{share:.1%} of frames"), films[motif][0]
        )
        filmed = [bout for bout in own if bout.session in videos]
        if filmed:
            rates = [params.fps[bout.session] for bout in filmed]
            frames = film_bouts(motif, filmed, [videos[bout.session] for bout in filmed], rates)
            films[motif].append(folder / f"motif{motif}.mp4")
            save_video(frames, films[motif][1])
    title = f"{snakemake.wildcards.segmentation}, model {snakemake.wildcards.model}, seed " + (
        snakemake.wildcards.seed
    )
    Path(output.page).write_text(gallery(f"Example bouts: {title}", films), encoding="utf-8")
print(f"{len(films)} motifs, {sum(map(len, bouts.values()))} bouts")
record_job(snakemake)

"""Train one model with one seed; save the best weights, the last weights and the history."""

from pathlib import Path

from job import job
from tqdm import tqdm
from vame_core.config import ModelConfig
from vame_core.determinism import use_threads
from vame_core.interruption import Signals, only_one
from vame_core.run import open_run, train

with job(snakemake, aside=False) as out:
    signals = Signals()
    use_threads(snakemake.threads)
    run = open_run(
        ModelConfig.from_settings(snakemake.params.settings),
        Path(out.model).parent,
        train=snakemake.input.train,
        test=snakemake.input.test,
        description=snakemake.input.description,
        pretrained=snakemake.input.pretrained,
        seed=int(snakemake.wildcards.seed),
        code=snakemake.params.code,
    )
    out.device = str(run.train.device)
    bar = tqdm(
        total=run.steps,
        desc=f"{snakemake.wildcards.model} seed {snakemake.wildcards.seed}",
        file=out.terminal,
        disable=not out.terminal.isatty(),
    )
    with only_one(run.folder / ".lock"), bar:
        for steps in train(run, signals, snakemake.params.checkpoint_minutes):
            bar.update(steps - bar.n)

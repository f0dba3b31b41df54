"""Files and folders of the user may have any names, from the sessions table to the RO-Crate."""

import csv
import json
import zipfile

import av
import numpy as np
import pytest
from projects import make_project
from recordings import make_lively_tracks, write_deeplabcut

FOLDER = 'it\'s a "naïve" 小鼠 & $HOME; #1'
FILES = {
    "poses": "recordings/mouse {1} #2 [a-z]* 'x' \"y\" é?.csv",
    "features": "recordings/<numbers>.csv",
    "labels": "recordings/{session}{wildcards.session}.csv",
    "video": "recordings/100% {n,\\d+}.mp4",
}
TABLES = "results/motif_tables/vame/seed0/kmeans-4"
FILMS = "results/figures/vame/seed0/kmeans-4/examples"


def write_video(path, frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 90, np.uint8), "rgb24")
        for _ in range(frames):
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """Finish a run in a folder with such a name, and with such names for one recording's files."""
    project = make_project(tmp_path_factory.mktemp("named") / FOLDER)
    project.write_config(models={"vame": {}}, example_bouts=3, surrogates=1, permutations=100)
    path = project / FILES["poses"]
    write_deeplabcut(path=path, tracks=make_lively_tracks(frames=400, seed=1))
    write_deeplabcut(path=project / "b.csv", tracks=make_lively_tracks(frames=400, seed=2))
    for name in (FILES["features"], "numbers.csv"):
        (project / name).write_text("speed\n" + "".join(f"{n % 7}\n" for n in range(400)))
    labels = "frame,label\n" + "".join(f"{n},{n // 50 % 2}\n" for n in range(400))
    (project / FILES["labels"]).write_text(labels)
    write_video(project / FILES["video"], 400)
    lines = ["session\tposes\tfps\tfeatures\tlabels\tvideo", "b\tb.csv\t30\tnumbers.csv\t\t"]
    lines += ["\t".join(["a", FILES["poses"], "30", *list(FILES.values())[1:]])]
    project.write_sheet("\n".join(lines))
    project.snakemake("results/ro-crate.zip")
    project.snakemake("verify")
    return project


def test_all_files_are_read(named):
    with np.load(named / "results/aligned/a.npz") as aligned:
        assert "speed" in aligned["features"].tolist()
        assert aligned["usable"].sum() > 300
    quality = json.loads((named / f"{TABLES}/quality.json").read_text())
    assert {each["name"]: each["value"] for each in quality["findings"]}["nmi"] is not None
    assert list((named / FILMS).glob("*.mp4"))


def test_records_name_files_as_the_sessions_table_does(named):
    jobs = json.loads((named / "results/manifest.json").read_text())["jobs"]
    inputs = {path for job in jobs for path in job["inputs"]}
    assert {*FILES.values(), "b.csv", "numbers.csv"} <= inputs
    assert not any(".snakemake" in path for path in inputs)
    log = (named / "logs/import_poses/a.log").read_text()
    assert f"read {FILES['poses']} as DeepLabCut" in log


def test_identifiers_of_files_in_the_crate_have_no_spaces(named):
    with zipfile.ZipFile(named / "results/ro-crate.zip") as crate:
        graph = json.loads(crate.read("ro-crate-metadata.json"))["@graph"]
    entities = {entity.get("name"): entity["@id"] for entity in graph}
    for path in FILES.values():
        identifier = entities[path.removeprefix("recordings/")]
        assert not set(identifier[1:]) & set(' {}<>[]"\\#é'), identifier


def test_nothing_runs_again_until_a_file_changes(named):
    with open(named / "config/sessions.tsv", newline="") as file:
        assert {row["session"] for row in csv.DictReader(file, delimiter="\t")} == {"a", "b"}
    assert named.stale_jobs() <= {"write_manifest"}
    path = named / FILES["labels"]
    text = path.read_text()
    path.write_text(text.replace("399,1", "399,0"))
    assert {"inspect_poses a", "judge_motifs vame 0 kmeans-4"} <= named.stale_jobs()
    assert not named.stale_rules() & {"import_poses", "train_model"}


def test_an_error_names_the_file_as_the_sessions_table_does(named):
    path = named / FILES["features"]
    text = path.read_text()
    path.write_text("speed\n1\n")
    printed = named.snakemake("results/poses/a.nc", check=False)
    path.write_text(text)
    assert f"ERROR: {FILES['features']}: 1 rows for 400 tracked frames" in printed

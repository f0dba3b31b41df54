"""The target suggest_bouts suggests bouts to label next, with films and a project for BORIS."""

import json

import numpy as np
import pandas as pd
from projects import SHEET

FOLDER = "results/suggestions/vame/seed0/kmeans-4"


def test_bouts_are_suggested_with_films_and_a_boris_project(finished):
    labels = np.repeat(["walk", "rest", ""], [100, 100, 200])
    table = pd.DataFrame({"frame": range(400), "label": labels})
    table.to_csv(finished / "recordings/mouse1.labels.csv", index=False)
    header, first, second = SHEET.splitlines()
    rows = [f"{header}\tlabels", f"{first}\trecordings/mouse1.labels.csv", f"{second}\t"]
    finished.write_sheet("\n".join(rows) + "\n")
    finished.write_config(models={"vame": {}})
    finished.snakemake("suggest_bouts")
    table = pd.read_csv(finished / FOLDER / "bouts.csv")
    assert 0 < len(table) <= 50
    assert set(table["session"]) <= {"mouse1", "mouse2"}
    assert (table.loc[table["session"] == "mouse1", "stop"] > 200).all()  # those without a label
    assert table["uncertainty"].is_monotonic_decreasing
    assert set(table["likely"]) <= {"walk", "rest"}
    films = sorted(path.name for path in (finished / FOLDER / "films").glob("*.gif"))
    assert films == [f"bout{rank:02d}.gif" for rank in table["rank"]]
    page = (finished / FOLDER / "films.html").read_text()
    assert page.count("data:image/gif") == len(table)
    assert f"1. {table['session'][0]}, {table['start_seconds'][0]:.2f} to" in page
    project = json.loads((finished / FOLDER / "project.boris").read_text())
    codes = [each["code"] for each in project["behaviors_conf"].values()]
    assert codes == ["rest", "walk"]
    assert project["observations"] == {}  # the sessions table has no videos

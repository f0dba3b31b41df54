"""The report is one file that works offline, with a summary page and all figures and captions."""

import base64
import json
import os
import re
import shutil
from contextlib import contextmanager

import pytest
from firefox import FIREFOX, firefox
from formats.motif_names import MotifNames, read_motif_names
from PIL import Image

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
needs_chromium = pytest.mark.skipif(
    not CHROMIUM, reason="no chromium on this machine (apt-get install chromium)"
)
needs_firefox = pytest.mark.skipif(
    not FIREFOX, reason="no firefox on this machine (apt-get install firefox-esr)"
)
IS_OPEN = "Boolean(sessions[0].points && charts.ethogram && charts.map)"
IS_DRAWN = "[...$('arena').getContext('2d').getImageData(0, 0, 999, 999).data].some(Boolean)"
IN_THE_ETHOGRAM = """(seconds, row) => {
    const box = $('ethogram').getBoundingClientRect();
    const { x_scale, y_scale } = charts.ethogram.frame;
    return [box.left + x_scale.compute(seconds), box.top + y_scale.compute(-row - 0.5)];
}"""
ON_THE_MAP = """(point) => {
    const box = $('map').getBoundingClientRect();
    const { x_scale, y_scale } = charts.map.frame;
    return [box.left + x_scale.compute(map.x[point]), box.top + y_scale.compute(map.y[point])];
}"""
MOTIFS = "results/figures/{model}/seed0/kmeans-4"


@pytest.fixture(scope="module")
def report(finished_once, tmp_path_factory):
    """Write the report without a network, and return its file."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            patch.setenv(name, "http://127.0.0.1:9")
        finished_once.snakemake("--report", str(path))
    return path


@pytest.fixture(scope="module")
def results(report):
    html = report.read_text()
    content, _ = json.JSONDecoder().raw_decode(html, html.index('{"results/'))
    return content


def of_models(captions):
    return {
        path.format(model=model): caption.format(model=model)
        for model in ("vame", "bare")
        for path, caption in captions.items()
    }


def test_the_report_has_all_figures_with_captions(finished_once, results):
    kmeans = "<em>kmeans-4</em> of model <em>{model}</em>, seed 0"
    figures = of_models(
        {
            "results/figures/{model}/seed0/losses.svg": (
                "Training of model <em>{model}</em>, seed 0."
            ),
            "results/figures/{model}/seed0/reconstructions.svg": (
                "Held-out windows of model <em>{model}</em>, seed 0:"
            ),
            f"{MOTIFS}/latent_map.svg": f"Map of the latent space: {kmeans}",
            f"{MOTIFS}/usage.svg": f"Usage of motifs: {kmeans}",
            f"{MOTIFS}/transitions.svg": f"Transitions between motifs: {kmeans}",
            f"{MOTIFS}/communities.svg": f"Communities of motifs: {kmeans}",
            f"{MOTIFS}/poses.svg": f"Mean poses: {kmeans}",
            f"{MOTIFS}/examples.html": f"Films of motifs: {kmeans}",
            f"{MOTIFS}/ethograms/mouse1.svg": f"Ethogram of one recording: {kmeans}",
            f"{MOTIFS}/ethograms/mouse2.svg": f"Ethogram of one recording: {kmeans}",
        }
    ) | {
        "results/figures/comparison.svg": "All models of this run, one line per model.",
        "results/quality.csv": "All recordings, before training.",
        "results/quality/mouse1.svg": "Recording <em>mouse1</em> before training.",
        "results/quality/mouse2.svg": "Recording <em>mouse2</em> before training.",
        "results/summary.html": "The start page of this report",
    }
    assert results.keys() == figures.keys()
    for path, caption in figures.items():
        assert caption in results[path]["caption"].replace("\n", " ")
        data = results[path]["data_uri"].split("base64,")[1]
        assert base64.b64decode(data) == (finished_once / path).read_bytes()


def test_the_summary_describes_this_run(finished_once):
    page = (finished_once / "results/summary.html").read_text()
    dataset = json.loads((finished_once / "results/dataset/dataset.json").read_text())
    train = [each for each in dataset["segments"] if each["side"] == "train"]
    minutes = sum(each["stop"] - each["start"] for each in train) / 30 / 60
    assert f"2 recordings at 30 frames per second, with {minutes:.1f} minutes for" in page
    told = page[: page.index("Methods text for a paper")]
    assert "VAME" not in told  # models by the names that the config gives them
    for model in ("vame", "bare"):
        assert f"Model {model} reads 8 frames" in page
    chosen = json.loads((finished_once / "results/best/choice.json").read_text())["model"]
    quality = f"results/motif_tables/{chosen}/seed0/kmeans-4/quality.json"
    findings = json.loads((finished_once / quality).read_text())["findings"]
    rows = re.findall(r'<span class="verdict (\w+)">', page)
    assert sorted(rows) == sorted(finding["verdict"] for finding in findings)


def test_films_are_a_gif_for_every_motif(finished_once):
    for model in ("vame", "bare"):
        folder = finished_once / f"{MOTIFS.format(model=model)}/examples"
        names = {path.name for path in folder.iterdir()} - {".snakemake_timestamp"}
        assert names == {f"motif{motif}.gif" for motif in range(4)}
        for name in names:
            assert (folder / name).stat().st_size < 300_000
            with Image.open(folder / name) as film:
                assert film.format == "GIF"


@needs_chromium
def test_a_browser_opens_it_without_an_error_or_a_request(report, tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    errors, requests = [], []
    with sync_api.sync_playwright() as playwright:
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] * root)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: requests.append(request.url))
        page.goto(report.as_uri())
        summary = page.locator("#summary")
        summary.wait_for()
        headings = summary.locator("h2").all_inner_texts()
        expected = ["Training data", "Quality", "Motifs and groups", "Cautions", "Advice"]
        assert headings[:5] == expected
        box = summary.locator("h1").bounding_box()
        assert 0 <= box["y"] < 100  # its top is visible, not its middle

        page.get_by_role("link", name="Motifs").click()
        page.get_by_text("model bare, seed 0, kmeans-4", exact=True).click()
        row = page.locator("tr", has_text="films of example bouts")
        row.locator("a").first.click()
        films = page.frame_locator("iframe").locator("img")
        films.first.wait_for()
        assert films.count() == 4
        assert films.first.evaluate("film => film.complete && film.naturalWidth > 100")
        row = page.locator("tr", has_text="latent map")
        row.locator("a").first.click()
        figure = page.locator("img[src^='data:image/svg']").last
        figure.wait_for()
        page.wait_for_function("[...document.images].every(each => each.complete)")
        assert figure.evaluate("figure => figure.naturalWidth > 100")
        browser.close()
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def press(page, key, expression):
    """Return the value of an expression in the page before and after a key is pressed."""
    before = page.evaluate(expression)
    page.keyboard.press(key)
    return before, page.evaluate(expression)


def with_a_map(page):
    """Return the page with a map of the middles of bouts, which the tiny project lacks.

    The name of the first recording has markup and a formula, for which Bokeh would use the network.
    """
    start = page.index("{", page.index('id="data">'))
    data, _ = json.JSONDecoder().raw_decode(page, start)
    own = data["bouts"]
    numbers = range(len(own["start"]))
    data["map"] = {
        "session": own["session"],
        "frame": [(a + b) // 2 for a, b in zip(own["start"], own["stop"], strict=True)],
        "motif": own["motif"],
        "x": [number % 5 for number in numbers],
        "y": [number // 5 for number in numbers],
        "labels": ["rest", "walk"],
        "label": [number % 3 - 1 for number in numbers],
    }
    data["sessions"][0]["session"] = "<img src=x onerror=missing()> $$x^2$$"
    text = json.dumps(data).replace("<", "\\u003c")
    return page[:start] + text + page[page.index("</script>", start) :]


@contextmanager
def browsing(finished_once, folder):
    """Open the motif browser of kmeans-4, and fail on any error or request to the network."""
    sync_api = pytest.importorskip("playwright.sync_api")
    file = folder / "kmeans-4.html"
    file.write_text(
        with_a_map((finished_once / "results/explorer/vame/seed0/kmeans-4.html").read_text())
    )
    errors, requests = [], []
    with sync_api.sync_playwright() as playwright:
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] * root)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_function(IS_OPEN)
        yield page
        browser.close()
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


@needs_chromium
def test_a_click_in_an_ethogram_shows_the_animal_at_that_moment(finished_once, tmp_path):
    with browsing(finished_once, tmp_path) as page:
        assert page.evaluate(IS_DRAWN)
        page.mouse.click(*page.evaluate(f"({IN_THE_ETHOGRAM})(4, 1)"))
        page.wait_for_function("state.session === 1 && sessions[1].points")
        assert abs(page.evaluate("state.frame / sessions[1].fps") - 4) < 0.1


@needs_chromium
def test_a_click_on_the_map_shows_the_animal_at_that_moment(finished_once, tmp_path):
    with browsing(finished_once, tmp_path) as page:
        last = page.evaluate("map.x.length - 1")
        page.mouse.click(*page.evaluate(f"({ON_THE_MAP})({last})"))
        moment = page.evaluate(f"[map.session[{last}], map.frame[{last}]]")
        page.wait_for_function(
            "(moment) => [state.session, state.frame].join() === moment.join() "
            "&& sessions[state.session].points",
            arg=moment,
        )
        assert page.evaluate(IS_DRAWN)


@needs_firefox
def test_firefox_opens_it_and_a_click_shows_the_animal(finished_once, tmp_path):
    page = finished_once / "results/explorer/vame/seed0/kmeans-4.html"
    (tmp_path / "page.html").write_text(with_a_map(page.read_text()))
    with firefox(tmp_path) as window:
        window.goto((tmp_path / "page.html").as_uri())
        window.wait_for(IS_OPEN)
        assert window.evaluate(IS_DRAWN)
        window.click(*window.evaluate(f"({IN_THE_ETHOGRAM})(4, 1)"))
        window.wait_for("Boolean(state.session === 1 && sessions[1].points)")
        assert abs(window.evaluate("state.frame / sessions[1].fps") - 4) < 0.1
        assert window.evaluate("performance.getEntriesByType('resource').length") == 0
        assert window.errors() == []
        (tmp_path / "wrong.html").write_text("<script>missing()</script>")
        window.goto((tmp_path / "wrong.html").as_uri())
        assert window.errors() == [
            "ReferenceError: missing is not defined"
        ]  # such an error would be noticed


@needs_chromium
def test_a_motifs_bouts_are_listed_and_played_by_mouse_and_keyboard(finished_once, tmp_path):
    with browsing(finished_once, tmp_path) as page:
        row = page.locator("#motifs tbody tr").nth(1)
        motif = int(row.get_attribute("data-motif"))
        row.click()
        assert page.evaluate("state.list.map((i) => bouts.motif[i])") == [
            motif for each in page.evaluate("bouts.motif") if each == motif
        ]
        assert page.evaluate("[bouts.session[state.list[0]], bouts.start[state.list[0]]]") == (
            page.evaluate("[state.session, state.frame]")
        )
        page.wait_for_function("!asked")  # the ethograms are drawn again, others' bouts pale
        seen = "[...new Set(rows.data.image.flatMap((row) => [...row]))]"
        colour = page.evaluate(f"motifs[place.get({motif})].colour")
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        own = 255 << 24 | blue << 16 | green << 8 | red
        assert set(page.evaluate(seen)) - {0} == {own, 0xFFE8E8E8}
        distances = page.evaluate("state.list.map((i) => bouts.distance[i])")
        assert distances == sorted(distances)
        assert press(page, "2", "$('order').value") == ("near", "far")
        before, after = press(page, "ArrowRight", "state.frame")
        assert after == before + 1
        assert press(page, "n", "state.at") == (0, 1)
        assert press(page, "Space", "state.playing") == (False, True)
        page.wait_for_function("state.frame !== bouts.start[state.list[1]]")
        assert press(page, "Escape", "state.motif") == (motif, None)


@needs_chromium
def test_names_and_merges_are_saved_in_the_format_that_the_workflow_reads(finished_once, tmp_path):
    with browsing(finished_once, tmp_path) as page:
        rows = page.locator("#motifs tbody tr")
        one, other = (int(rows.nth(place).get_attribute("data-motif")) for place in (1, 2))
        rows.nth(1).click()
        page.locator("#name").fill("walk\tfast")
        page.locator("#hue").fill("#0a7d3c")
        assert rows.nth(1).locator(".tile").evaluate("each => each.style.background") == (
            "rgb(10, 125, 60)"
        )
        own = f"map.motif.map((motif, i) => motif === {one} ? i : -1).filter((i) => i >= 0)"
        on_map = f"{own}.map((i) => points.data.colour[i])"
        assert set(page.evaluate(on_map)) == {"#0a7d3c"}
        rows.nth(2).click()
        page.locator("#into").select_option(str(one))
        with page.expect_download() as download:
            page.locator("#save").click()
        download.value.save_as(tmp_path / "motif_names.tsv")
    segmenter = finished_once / "results/segmenters/vame/seed0/kmeans-4.npz"
    saved = read_motif_names(tmp_path / "motif_names.tsv", segmenter, "vame", "0", "kmeans-4")
    assert saved == MotifNames({one: "walk fast"}, {other: one}, {one: "#0a7d3c"})


@needs_chromium
def test_the_map_is_coloured_by_annotated_labels(finished_once, tmp_path):
    with browsing(finished_once, tmp_path) as page:
        page.locator("#colour").select_option("label")
        colours = page.evaluate("points.data.colour")
        labels = page.evaluate("map.label.map((own) => own < 0 ? GREY : data.palette[own])")
        assert colours == labels
        assert len(set(colours)) == 3
        assert page.locator("#legend").inner_text().split() == ["rest", "walk", "no", "label"]


@needs_chromium
def test_a_lasso_on_the_map_lists_the_bouts_of_its_points(finished_once, tmp_path):
    with browsing(finished_once, tmp_path) as page:
        box = page.locator("#map").bounding_box()
        frame = page.evaluate(
            "(({ left, top, width, height }) => [left, top, width, height])(charts.map.frame.bbox)"
        )
        x, y, wide, high = frame[0] + box["x"], frame[1] + box["y"], *frame[2:]
        page.mouse.move(x + 2, y + 2)
        page.mouse.down()
        for right, down in ((1, 0), (1, 1), (0, 1), (0, 0)):
            page.mouse.move(x + 2 + right * (wide - 4), y + 2 + down * (high - 4), steps=4)
        page.mouse.up()
        page.wait_for_function("state.chosen")
        on_map = "map.frame.map((frame, i) => boutAt(map.session[i], frame)).filter((b) => b >= 0)"
        assert page.evaluate("state.list.length") == page.evaluate(f"new Set({on_map}).size")

"""The motif browser's program, third part: the list of motifs, their names, and keys."""

VIEWS = r"""
// --- the list of motifs, and what one does -------------------------------------------------------

if (groups.length < 2) document.querySelector("th.groups").remove();
else if (groups.length < 4) // of more, the bars say which when one points at them
  document.querySelector("th.groups").replaceChildren(...groups.map((name, i) => {
    const entry = document.createElement("span"), dot = document.createElement("i");
    dot.style.background = hues(groups.length)[i];
    entry.append(dot, name || "no group");
    entry.title = name;
    return entry;
  }));

function listMotifs() {
  const axes = [0, 1].map((axis) => motifs.flatMap(
    ({ pose }) => (pose ?? []).map((point) => point[axis])));
  const [low, high] = [axes.map((own) => Math.min(...own)), axes.map((own) => Math.max(...own))];
  const top = Math.max(...motifs.flatMap((each) => Object.values(each.groups)), 1e-9);
  const rows = motifs.map((each) => {
    const row = document.createElement("tr");
    row.dataset.motif = each.motif;
    row.tabIndex = 0;
    const canvas = document.createElement("canvas");
    canvas.style.cssText = "width:52px;height:30px";
    const bars = document.createElement("div");
    Object.entries(each.groups).forEach(([name, share]) => {
      const bar = document.createElement("i");
      bar.style.width = `${(52 * share) / top}px`;
      bar.style.background = hues(groups.length)[groups.indexOf(name)];
      bar.title = `${name}: ${(100 * share).toFixed(1)} %`;
      bars.append(bar);
    });
    [canvas, tile(each.motif), nameOf(each.motif), `${(100 * each.share).toFixed(1)} %`, each.bouts,
      `${each.seconds.toFixed(2)} s`, bars].forEach((cell, number) => {
      const td = row.insertCell();
      td.append(cell);
      if (number === 6) td.className = "groups";
      if (number === 2) [td.className, td.title] = ["called", cell];
    });
    if (groups.length < 2) row.querySelector(".groups").remove();
    row.onclick = () => { choose(state.motif === each.motif ? null : each.motif, null);
      if (state.motif !== null) goToBout(0); };
    return [row, canvas, each];
  });
  document.querySelector("#motifs tbody").replaceChildren(...rows.map(([row]) => row));
  rows.filter(([, , each]) => each.pose).forEach(([, canvas, each]) => {
    const [pen, ...size] = paper(canvas);
    const scale = Math.min(...[0, 1].map((axis) => (size[axis] - 8) / (high[axis] - low[axis])));
    skeleton(pen, each.pose, each.colour, 1.6, (point) => [0, 1].map(
      (axis) => size[axis] / 2 + scale * (point[axis] - (low[axis] + high[axis]) / 2)));
  });
}

// --- names and merges ----------------------------------------------------------------------------

const [model, seed, segmentation, digest] = data.key;
const isOwn = (row) => row.model === model && row.seed === seed
  && row.segmentation === segmentation;
const fresh = data.digests.some((each) => each.join() === data.key.join());
const entries = new Map(data.rows.filter((row) => fresh && isOwn(row)).map(
  ({ motif, name, merged_into, note, color }) =>
    [Number(motif), { name, merged_into, note, color: color ?? "" }]));
const none = { name: "", merged_into: "", note: "", color: "" };
const entry = (motif) => entries.get(motif) ?? none;
const nameOf = (motif) => entry(motif).merged_into ? `→ ${entry(motif).merged_into}`
  : entry(motif).name;

function showNames() {
  $("names").hidden = state.motif === null;
  if (state.motif === null) return;
  const { name, merged_into, note } = entry(state.motif);
  const others = motifs.filter(
    (each) => each.motif !== state.motif && !entry(each.motif).merged_into);
  const options = others.map((each) =>
    new Option(`${each.motif} ${nameOf(each.motif)}`.trim(), each.motif));
  $("into").replaceChildren(new Option("–", ""), ...options);
  [$("name").value, $("into").value, $("words").value] = [name, merged_into, note];
  const own = motifs[place.get(state.motif)];
  $("hue").value = own.colour;
  $("default").hidden = own.colour === own.default;
  const inside = [...entries].filter(([, each]) => Number(each.merged_into || NaN) === state.motif);
  $("merged").replaceChildren(...inside.map(([motif]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `separate ${motif}`;
    button.onclick = () => rename(motif, { ...entry(motif), merged_into: "" });
    return button;
  }));
}

function rename(motif, changed) {
  entries.set(motif, changed);
  $("save").disabled = false;
  document.querySelectorAll("#motifs tbody tr").forEach((row) => {
    const called = row.querySelector(".called");
    called.textContent = called.title = nameOf(Number(row.dataset.motif));
  });
  showNames();
}

function ink(colour) { // black or white, whichever reads better (relative luminance of WCAG 2)
  const linear = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map(
    (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.22 ? "#222" : "white";
}

function paint(motif, colour) {
  const own = motifs[place.get(motif)];
  own.colour = colour;
  own.ink = ink(colour);
  listMotifs();
  rename(motif, { ...entry(motif), color: colour === own.default ? "" : colour });
  choose(state.motif, state.chosen);
  draw();
}

function saveNames() {
  const clean = (text) => String(text).replace(/[\t\r\n]+/g, " ").trim();
  const own = data.key.slice(0, 3).join();
  const columns = ["model", "seed", "segmentation", "motif", "name", "merged_into", "note",
    "color"];
  const others = data.digests.filter((each) => each.slice(0, 3).join() !== own);
  const rows = [...data.rows.filter((row) => !isOwn(row)),
    ...[...entries].sort(([a], [b]) => a - b).map(([motif, each]) =>
      ({ model, seed, segmentation, motif, ...each }))];
  const lines = [...[...others, data.key].map((each) => ["# segmenter", ...each]), columns,
    ...rows.filter((row) => row.name || row.merged_into || row.note || row.color).map(
      (row) => columns.map((column) => clean(row[column] ?? "")))];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(
    new Blob([lines.map((line) => line.join("\t") + "\n").join("")]));
  link.download = "motif_names.tsv";
  link.click();
  $("note").textContent = "Put motif_names.tsv into the project, set motif_names: to its path, and "
    + "run again.";
}

["name", "into", "words"].forEach((id) => $(id).addEventListener("change", () =>
  rename(state.motif, { ...entry(state.motif), name: $("name").value,
    merged_into: $("into").value, note: $("words").value })));
$("hue").addEventListener("change", () => paint(state.motif, $("hue").value));
$("default").onclick = () => paint(state.motif, motifs[place.get(state.motif)].default);
$("names").onsubmit = (event) => event.preventDefault();
$("save").onclick = saveNames;

function step(by) {
  setPlaying(false);
  goTo(state.session, state.frame + by);
}

const fps = () => sessions[state.session].fps;
const keys = {
  " ": () => setPlaying(!state.playing),
  ArrowLeft: (shift) => step(shift ? -fps() : -1),
  ArrowRight: (shift) => step(shift ? fps() : 1),
  n: () => goToBout(state.at + 1),
  p: () => goToBout(state.at - 1),
  s: () => saveNames(),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  h: () => { $("speed").value = $("speed").value === "0.5" ? "1" : "0.5"; },
  1: () => setOrder("near"),
  2: () => setOrder("far"),
  3: () => setOrder("random"),
  Escape: () => choose(null, null),
  "?": () => $("help").click(),
};

function move(by) {
  const now = state.motif === null ? (by > 0 ? -1 : 0) : place.get(state.motif);
  const next = motifs[(now + by + motifs.length) % motifs.length].motif;
  choose(next, null);
  document.querySelector(`#motifs tr[data-motif="${next}"]`).scrollIntoView({ block: "nearest" });
  goToBout(0);
}

function setOrder(name) {
  $("order").value = name;
  choose(state.motif, state.chosen);
  goToBout(0);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { tagName } = event.target;
  if (event.key === "Enter" && tagName === "TR") return event.target.click();
  const writes = tagName === "INPUT" && event.target.type !== "range"
    && event.target.type !== "checkbox";
  if (tagName === "SELECT" || writes || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key](event.shiftKey);
});
$("help").onclick = () => {
  $("keys").hidden = !$("keys").hidden;
  $("help").setAttribute("aria-expanded", !$("keys").hidden);
};
$("play").onclick = () => setPlaying(!state.playing);
$("next").onclick = keys.n;
$("previous").onclick = keys.p;
$("frame").oninput = () => { setPlaying(false); goTo(state.session, Number($("frame").value)); };
$("order").onchange = () => choose(state.motif, state.chosen);
$("colour").onchange = colourMap;
new ResizeObserver(draw).observe($("screens"));
if (data.partial) {
  const all = many(bouts.start.length), count = (own) => own.length.toLocaleString("en");
  $("note").textContent = "The recordings are too long for one page: it has the poses of "
    + `${count(all.filter(kept))} of ${count(all)} bouts, those nearest to their motif's centre, `
    + "farthest from it, and others at random.";
}
listMotifs();
choose(null, null);
drawEthogram(); // first, for it takes its height from the map
drawMap();
goTo(0, bouts.start[ofSession[0].find(kept) ?? ofSession[0][0]] ?? 0);
"""

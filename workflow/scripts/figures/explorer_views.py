"""The motif browser's program, second part: map, ethograms, motifs, and keys."""

VIEWS = r"""
// --- map and ethograms ---------------------------------------------------------------------------

const quiet = { displaylogo: false, responsive: true, showSendToCloud: false, // nothing is uploaded
  modeBarButtonsToRemove: ["toImage", "autoScale2d", "select2d"] };
const kinds = { // of each point a number, of each number a colour and a name
  motif: () => [map.motif.map((m) => place.get(m) ?? -1), motifs.map((m) => m.colour), []],
  community: () => {
    const own = motifs.map((m) => m.community), count = Math.max(...own, 0) + 1;
    const names = many(count).map((one) => "motifs "
      + motifs.filter((m) => m.community === one).map((m) => m.motif).join(", "));
    return [map.motif.map((m) => own[place.get(m)] ?? -1), hues(count), names];
  },
  session: () => [map.session, hues(sessions.length), sessions.map((each) => each.session)],
  group: () => [map.session.map((s) => groups.indexOf(sessions[s].group)), hues(groups.length),
    groups.map((name) => name || "no group")],
  label: () => [map.label, hues(map.labels.length), map.labels],
};
if (!map.labels.length) $("colour").querySelector("[value=label]").remove();
if (groups.length < 2) $("colour").querySelector("[value=group]").remove();
const hasGl = Boolean(document.createElement("canvas").getContext("webgl"));

function drawMap() {
  if (!map.x.length) {
    $("map").textContent = "No map: too few windows, or map_windows: 0";
    return;
  }
  const trace = { x: map.x, y: map.y, type: hasGl ? "scattergl" : "scatter", mode: "markers",
    hoverinfo: "text", text: map.x.map((_, i) => label(map.session[i], map.frame[i])),
    marker: { size: 4, color: showColours() } };
  const axis = { showticklabels: false, zeroline: false, showgrid: false };
  Plotly.newPlot("map", [trace], { margin: { l: 24, r: 5, t: 5, b: 28 }, dragmode: "lasso",
    hovermode: "closest", xaxis: { ...axis, title: { text: "UMAP 1", standoff: 4 } },
    yaxis: { ...axis, title: { text: "UMAP 2", standoff: 4 } } },
    { ...quiet, scrollZoom: true });
  $("map").on("plotly_click", ({ points: [point] }) =>
    goTo(map.session[point.pointIndex], map.frame[point.pointIndex]));
  $("map").on("plotly_selected", (event) => {
    if (!event) return choose(state.motif, null);
    const inside = event.points.map(
      ({ pointIndex }) => boutAt(map.session[pointIndex], map.frame[pointIndex]));
    choose(state.motif, [...new Set(inside)].filter((bout) => bout >= 0));
  });
  $("map").on("plotly_deselect", () => choose(state.motif, null));
}

const escaped = sessions.map(({ session }) => { // names may hold markup, and Plotly reads some
  const text = document.createElement("i");
  text.textContent = session;
  return text.innerHTML;
});
const label = (session, frame) =>
  `${escaped[session]}, ${seconds(frame / sessions[session].fps)}`;

function colourMap() {
  if ($("map").data) Plotly.restyle("map", { "marker.color": [showColours()] });
}

function showColours() { // in the legend, and that of each point
  const [own, colours, names] = kinds[$("colour").value]();
  const shownNames = names.slice(0, 40);
  if (names.length && own.includes(-1)) shownNames.push(`no ${$("colour").value}`);
  $("legend").replaceChildren(...shownNames.map((name, i) => {
    const entry = document.createElement("span"), dot = document.createElement("i");
    dot.style.background = i < names.length ? colours[i] : GREY;
    entry.append(dot, name);
    return entry;
  }));
  const shown = (i) => state.motif === null || state.chosen || map.motif[i] === state.motif;
  return own.map((number, i) => (shown(i) ? colours[number] ?? GREY : "#e8e8e8"));
}

function scale() { // of the ethograms: a step of one colour for each motif
  const share = 1 / motifs.length;
  const steps = motifs.flatMap(
    ({ colour }, i) => [[i * share, colour], [(i + 1) * share, colour]]);
  steps[steps.length - 1][0] = 1;
  return steps;
}

function ethogramOf([from, to]) { // that part, and as much on either side, for one may drag it
  const width = Math.max(1 / fastest, (to - from) / columns);
  const first = Math.max(0, Math.floor((2 * from - to) / width));
  const count = Math.ceil(Math.min(last, 2 * to - from) / width) - first;
  const z = sessions.map((each, session) => {
    const row = new Array(Math.max(count, 1)).fill(null);
    ofSession[session].forEach((bout) => {
      const start = Math.floor(bouts.start[bout] / each.fps / width + 1e-6) - first;
      const stop = Math.ceil(bouts.stop[bout] / each.fps / width - 1e-6) - first;
      for (let bin = Math.max(0, start); bin < Math.min(stop, count); bin++)
        row[bin] = place.get(bouts.motif[bout]);
    });
    return row;
  });
  return { z, x0: (first + 0.5) * width, dx: width };
}

function drawEthogram() {
  $("ethogram").style.height = `${Math.max(110, 48 + 24 * sessions.length)}px`;
  Plotly.newPlot("ethogram", [{ ...ethogramOf([0, last]), y: many(sessions.length),
    type: "heatmap", colorscale: scale(), zmin: -0.5, zmax: motifs.length - 0.5, showscale: false,
    hoverinfo: "none", ygap: 4 }],
  { margin: { l: 130, r: 10, t: 5, b: 40 }, dragmode: "pan",
    xaxis: { title: { text: "time (s)", standoff: 4 }, zeroline: false, range: [0, last] },
    yaxis: { fixedrange: true, autorange: "reversed", zeroline: false, showgrid: false,
      tickvals: many(sessions.length),
      ticktext: escaped } },
  { ...quiet, scrollZoom: true, doubleClick: "reset",
    displayModeBar: false }); // it would hide the first row
  $("ethogram").on("plotly_relayout", () => {
    const { z, x0, dx } = ethogramOf($("ethogram")._fullLayout.xaxis.range);
    Plotly.restyle("ethogram", { z: [z], x0, dx }).then(drawCursor);
  });
  $("ethogram").addEventListener("click", (event) => {
    const { xaxis, yaxis } = $("ethogram")._fullLayout;
    const box = $("ethogram").getBoundingClientRect();
    const at = xaxis.p2l(event.clientX - box.left - xaxis._offset);
    const row = Math.round(yaxis.p2l(event.clientY - box.top - yaxis._offset));
    if (row in sessions && event.clientX - box.left > xaxis._offset) {
      state.at = -1;
      goTo(row, at * sessions[row].fps);
    }
  });
}

function drawCursor() {
  const layout = $("ethogram")._fullLayout;
  if (!layout) return;
  const { xaxis, yaxis } = layout;
  const left = xaxis._offset + xaxis.l2p(state.frame / sessions[state.session].fps);
  const high = yaxis._length / sessions.length;
  Object.assign($("cursor").style, { left: `${left - 1}px`, height: `${high}px`,
    top: `${yaxis._offset + high * state.session}px`,
    display: left < xaxis._offset || left > xaxis._offset + xaxis._length ? "none" : "block" });
}

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
    canvas.style.cssText = "width:56px;height:30px";
    const bars = document.createElement("div");
    Object.entries(each.groups).forEach(([name, share]) => {
      const bar = document.createElement("i");
      bar.style.width = `${(60 * share) / top}px`;
      bar.style.background = hues(groups.length)[groups.indexOf(name)];
      bar.title = `${name}: ${(100 * share).toFixed(1)} %`;
      bars.append(bar);
    });
    [canvas, tile(each.motif), nameOf(each.motif), `${(100 * each.share).toFixed(1)} %`, each.bouts,
      `${each.seconds.toFixed(2)} s`, bars].forEach((cell, number) => {
      const td = row.insertCell();
      td.append(cell);
      if (number === 6) td.className = "groups";
      if (number === 2) td.className = "called";
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
    row.querySelector(".called").textContent = nameOf(Number(row.dataset.motif));
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
  Plotly.restyle("ethogram", { colorscale: [scale()] });
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
new ResizeObserver(() => { if (sessions[state.session].points) draw(); }).observe($("screens"));
new ResizeObserver(() => { if ($("map").data) Plotly.Plots.resize("map"); }).observe($("map"));
if (data.partial) $("note").textContent = "The recordings are too long for one page: poses are "
  + "kept for the bouts nearest to their motif's centre, farthest from it, and at random.";
listMotifs();
drawEthogram(); // first, for it takes its height from the map
choose(null, null);
drawMap();
goTo(0, bouts.start.length ? bouts.start[ofSession[0][0] ?? 0] : 0);
"""

"""The motif browser's program, second part: map, ethograms, motifs, and keys."""

VIEWS = r"""
// --- map and ethograms ---------------------------------------------------------------------------

const quiet = { displaylogo: false, responsive: true,
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
};
const hasGl = Boolean(document.createElement("canvas").getContext("webgl"));

function drawMap() {
  if (!map.x.length) {
    $("map").textContent = "No map: too few windows, or map_windows: 0";
    return;
  }
  const trace = { x: map.x, y: map.y, type: hasGl ? "scattergl" : "scatter", mode: "markers",
    hoverinfo: "text", text: map.x.map((_, i) => label(map.session[i], map.frame[i])),
    marker: { size: 4 } };
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

const label = (session, frame) => {
  const text = document.createElement("i"); // names may hold markup, and Plotly reads some
  text.textContent = sessions[session].session;
  return `${text.innerHTML}, ${seconds(frame / sessions[session].fps)}`;
};

function colourMap() {
  if (!$("map").data) return;
  const [own, colours, names] = kinds[$("colour").value]();
  $("legend").replaceChildren(...names.slice(0, 40).map((name, i) => {
    const entry = document.createElement("span"), dot = document.createElement("i");
    dot.style.background = colours[i];
    entry.append(dot, name);
    return entry;
  }));
  const shown = (i) => state.motif === null || state.chosen || map.motif[i] === state.motif;
  const colour = own.map((number, i) => (shown(i) ? colours[number] ?? GREY : "#e8e8e8"));
  Plotly.restyle("map", { "marker.color": [colour] });
}

function drawEthogram() {
  const last = Math.max(...sessions.map((each) => each.frames / each.fps));
  const fastest = Math.max(...sessions.map((each) => each.fps));
  const width = Math.max(1 / fastest, last / columns), bins = Math.ceil(last / width);
  const z = sessions.map((each, session) => {
    const row = new Array(bins).fill(null);
    ofSession[session].forEach((bout) => {
      const stop = Math.ceil(bouts.stop[bout] / each.fps / width - 1e-6);
      for (let bin = Math.floor(bouts.start[bout] / each.fps / width + 1e-6); bin < stop; bin++)
        row[bin] = place.get(bouts.motif[bout]);
    });
    return row;
  });
  const share = 1 / motifs.length;
  const scale = motifs.flatMap(
    ({ colour }, i) => [[i * share, colour], [(i + 1) * share, colour]]);
  scale[scale.length - 1][0] = 1;
  $("ethogram").style.height = `${Math.max(110, 48 + 24 * sessions.length)}px`;
  Plotly.newPlot("ethogram", [{ z, x0: width / 2, dx: width, y: many(sessions.length),
    type: "heatmap", colorscale: scale, zmin: -0.5, zmax: motifs.length - 0.5, showscale: false,
    hoverinfo: "none", ygap: 4 }],
  { margin: { l: 130, r: 10, t: 5, b: 40 }, dragmode: "pan",
    xaxis: { title: { text: "time (s)", standoff: 4 }, zeroline: false },
    yaxis: { fixedrange: true, autorange: "reversed", zeroline: false, showgrid: false,
      tickvals: many(sessions.length),
      ticktext: sessions.map((_, i) => label(i, 0).replace(/, [^,]*$/, "")) } },
  { ...quiet, scrollZoom: true });
  $("ethogram").on("plotly_relayout", drawCursor);
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
    row.onclick = () => { choose(state.motif === each.motif ? null : each.motif, null);
      if (state.motif !== null) goToBout(0); };
    return [row, canvas, each];
  });
  document.querySelector("#motifs tbody").append(...rows.map(([row]) => row));
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
  ({ motif, name, merged_into, note }) => [Number(motif), { name, merged_into, note }]));
const entry = (motif) => entries.get(motif) ?? { name: "", merged_into: "", note: "" };
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

function saveNames() {
  const clean = (text) => String(text).replace(/[\t\r\n]+/g, " ").trim();
  const own = data.key.slice(0, 3).join();
  const columns = ["model", "seed", "segmentation", "motif", "name", "merged_into", "note"];
  const others = data.digests.filter((each) => each.slice(0, 3).join() !== own);
  const rows = [...data.rows.filter((row) => !isOwn(row)),
    ...[...entries].sort(([a], [b]) => a - b).map(([motif, each]) =>
      ({ model, seed, segmentation, motif, ...each }))];
  const lines = [...[...others, data.key].map((each) => ["# segmenter", ...each]), columns,
    ...rows.filter((row) => row.name || row.merged_into || row.note).map(
      (row) => columns.map((column) => clean(row[column])))];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(
    new Blob([lines.map((line) => line.join("\t") + "\n").join("")]));
  link.download = "motif_names.tsv";
  link.click();
  $("note").textContent = "Put motif_names.tsv into the project, set motif_names: to its path, and "
    + "run again.";
}

["name", "into", "words"].forEach((id) => $(id).addEventListener("change", () =>
  rename(state.motif, { name: $("name").value, merged_into: $("into").value,
    note: $("words").value })));
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
  const writes = tagName === "INPUT" && event.target.type === "text";
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
window.addEventListener("resize", () => { draw(); });
if (data.partial) $("note").textContent = "The recordings are too long for one page: poses are "
  + "kept for the bouts nearest to their motif's centre, farthest from it, and at random.";
listMotifs();
if (groups.length < 2)
  document.querySelectorAll(".groups").forEach((each) => each.remove());
drawEthogram(); // first, for it takes its height from the map
drawMap();
choose(null, null);
goTo(0, bouts.start.length ? bouts.start[ofSession[0][0] ?? 0] : 0);
"""

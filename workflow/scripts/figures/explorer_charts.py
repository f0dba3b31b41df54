"""The motif browser's program, second part: the map and the ethograms, drawn by Bokeh."""

CHARTS = r"""
// --- the map -------------------------------------------------------------------------------------

Bokeh.set_log_level("warn");
const charts = { map: null, ethogram: null }; // what Bokeh shows, once it is drawn
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
  return own.map((number, i) => (shown(i) ? colours[number] ?? GREY : PALE));
}

const points = new Bokeh.ColumnDataSource({ data: { x: map.x, y: map.y, colour: [] } });
const layers = many(2).map(() => new Bokeh.IndexFilter({ indices: [] })); // of pale points first

function colourMap() {
  const colour = showColours(), all = many(colour.length), pale = [GREY, PALE];
  points.data = { x: map.x, y: map.y, colour };
  layers[0].indices = all.filter((i) => pale.includes(colour[i]));
  layers[1].indices = all.filter((i) => !pale.includes(colour[i]));
  if (!state.chosen && points.selected.indices.length) points.selected.indices = [];
}

function figureOf(tools, options, drag, scroll) {
  const figure = Bokeh.Plotting.figure({ tools, sizing_mode: "stretch_both", min_border: 2,
    outline_line_color: "#bbb", ...options });
  [figure.toolbar.logo, figure.toolbar.active_drag] = [null, drag];
  [figure.toolbar.active_scroll, figure.toolbar.active_inspect] = [scroll, "auto"];
  for (const axis of [figure.xaxis, figure.yaxis]) {
    axis.axis_label_text_font_style = "normal";
    axis.axis_line_color = axis.minor_tick_line_color = null;
    [axis.major_tick_in, axis.major_tick_out, axis.major_tick_line_color] = [0, 4, "#bbb"];
  }
  figure.xgrid.visible = figure.ygrid.visible = false;
  figure.on_event("doubletap", () => figure.reset.emit());
  return figure;
}

function onClick(id, act) { // also if the button is held for long, which is no tap of Bokeh's
  let from = [0, 0];
  $(id).addEventListener("pointerdown", ({ x, y }) => { from = [x, y]; }, true);
  $(id).addEventListener("click", (event) => {
    const box = $(id).getBoundingClientRect(), { bbox, x_scale, y_scale } = charts[id].frame;
    const [right, down] = [event.clientX - box.left, event.clientY - box.top];
    const dragged = Math.hypot(event.clientX - from[0], event.clientY - from[1]) > 4;
    if (!dragged && bbox.contains(right, down))
      act(right, down, x_scale.invert(right), y_scale.invert(down));
  });
}

function rangeOf(values) {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const room = (high - low || 1) * 0.03;
  return new Bokeh.Range1d({ start: low - room, end: high + room });
}

const hasPose = map.x.map((_, i) => stretchAt(sessions[map.session[i]], map.frame[i]) >= 0);

function pointAt(right, down) { // the nearest within ten pixels, first of those that have a pose
  const { x_scale, y_scale } = charts.map.frame;
  let [nearest, least] = [-1, Infinity];
  map.x.forEach((x, i) => {
    const distance = (x_scale.compute(x) - right) ** 2
      + (y_scale.compute(map.y[i]) - down) ** 2;
    const cost = hasPose[i] ? distance : distance + 100;
    if (distance < 100 && cost < least) [nearest, least] = [i, cost];
  });
  return nearest;
}

function captionOf(_, { index }) {
  const caption = document.createElement("div");
  caption.textContent = `${sessions[map.session[index]].session}, `
    + seconds(map.frame[index] / sessions[map.session[index]].fps);
  return caption;
}

async function drawMap() {
  if (!map.x.length) {
    $("map").textContent = "No map: too few windows, or map_windows: 0";
    return;
  }
  const lasso = new Bokeh.LassoSelectTool({ continuous: false }), zoom = new Bokeh.WheelZoomTool();
  const hover = new Bokeh.HoverTool({ tooltips: captionOf, limit: 1, visible: false });
  const figure = figureOf([lasso, new Bokeh.PanTool(), new Bokeh.BoxZoomTool(), zoom, hover,
    new Bokeh.ResetTool()], { x_range: rangeOf(map.x), y_range: rangeOf(map.y),
    toolbar_location: "above", x_axis_label: "UMAP 1", y_axis_label: "UMAP 2" }, lasso, zoom);
  for (const axis of [figure.xaxis, figure.yaxis]) // numbers of a UMAP mean nothing
    [axis.ticker, axis.axis_label_standoff] = [new Bokeh.FixedTicker({ ticks: [] }), 4];
  for (const filter of layers)
    figure.scatter({ field: "x" }, { field: "y" }, { source: points, size: 4, line_color: null,
      fill_color: { field: "colour" }, nonselection_fill_alpha: 0.12,
      view: new Bokeh.CDSView({ filter }) });
  points.selected.connect(points.selected.properties.indices.change, () => {
    const { indices } = points.selected;
    if (!indices.length) { if (state.chosen) choose(state.motif, null); return; }
    const inside = indices.map((i) => boutAt(map.session[i], map.frame[i]));
    choose(state.motif, [...new Set(inside)].filter((bout) => bout >= 0));
  });
  charts.map = await Bokeh.Plotting.show(figure, "#map");
  onClick("map", (right, down) => {
    const point = pointAt(right, down);
    if (point >= 0) goToMoment(map.session[point], map.frame[point]);
  });
}

// --- the ethograms -------------------------------------------------------------------------------

const { ndarray } = Bokeh.require("core/util/ndarray");
const rows = new Bokeh.ColumnDataSource({ data: { image: [], x: [], y: [], dw: [] } });
const shownTime = new Bokeh.Range1d({ start: 0, end: last, bounds: [0, last],
  min_interval: 10 / fastest });

function ethogramOf(from, to) { // that part, and as much on either side, for one may drag it
  const width = Math.max(1 / fastest, (to - from) / columns);
  const first = Math.max(0, Math.floor((2 * from - to) / width));
  const count = Math.max(1, Math.ceil(Math.min(last, 2 * to - from) / width) - first);
  const bytes = (colour) => // opaque blue, green, red
    parseInt(`ff${colour.slice(5, 7)}${colour.slice(3, 5)}${colour.slice(1, 3)}`, 16);
  const [own, pale] = [motifs.map(({ colour }) => bytes(colour)), bytes(PALE)];
  const chosen = state.chosen && new Set(state.chosen);
  const shown = (bout) => (chosen ? chosen.has(bout)
    : state.motif === null || bouts.motif[bout] === state.motif);
  const image = sessions.map((each, session) => {
    const row = new Uint32Array(count);
    ofSession[session].forEach((bout) => {
      const start = Math.floor(bouts.start[bout] / each.fps / width + 1e-6) - first;
      const stop = Math.ceil(bouts.stop[bout] / each.fps / width - 1e-6) - first;
      if (stop > 0 && start < count)
        row.fill(shown(bout) ? own[place.get(bouts.motif[bout])] : pale, Math.max(0, start), stop);
    });
    return ndarray(row, { dtype: "uint32", shape: [1, count] });
  });
  return { image, x: sessions.map(() => first * width), y: sessions.map((_, i) => -i - 0.92),
    dw: sessions.map(() => count * width) };
}

let asked = false;
function binAgain() { // once a picture, however often the part that is seen changes
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    rows.data = ethogramOf(shownTime.start, shownTime.end);
    drawCursor();
  });
}

async function drawEthogram() {
  $("ethogram").style.height = `${Math.max(110, 48 + 24 * sessions.length)}px`;
  rows.data = ethogramOf(0, last);
  const pan = new Bokeh.PanTool({ dimensions: "width" });
  const zoom = new Bokeh.WheelZoomTool({ dimensions: "width" });
  const count = sessions.length;
  const figure = figureOf([pan, zoom], { x_range: shownTime, toolbar_location: null,
    y_range: new Bokeh.Range1d({ start: -count, end: 0 }), x_axis_label: "time (s)" }, pan, zoom);
  const ticks = sessions.map((_, i) => -i - 0.5);
  figure.yaxis.ticker = new Bokeh.FixedTicker({ ticks });
  figure.yaxis.major_label_overrides = new Map(sessions.map(({ session }, i) => [ticks[i],
    new Bokeh.PlainText({ text: session })])); // of a text alone Bokeh would read formulas
  figure.yaxis.major_label_policy = new Bokeh.AllLabels();
  figure.yaxis.major_tick_line_color = null;
  figure.image_rgba({ field: "image" }, { field: "x" }, { field: "y" }, { field: "dw" },
    { value: 0.84 }, { source: rows });
  shownTime.connect(shownTime.change, binAgain);
  figure.connect(figure.properties.inner_width.change, drawCursor);
  charts.ethogram = await Bokeh.Plotting.show(figure, "#ethogram");
  onClick("ethogram", (right, down, time, place) => {
    const row = Math.floor(-place);
    if (row in sessions) goToMoment(row, time * sessions[row].fps);
  });
  drawCursor();
}

function drawCursor() {
  if (!charts.ethogram) return;
  const { bbox, x_scale } = charts.ethogram.frame;
  const left = x_scale.compute(state.frame / sessions[state.session].fps);
  const high = bbox.height / sessions.length;
  Object.assign($("cursor").style, { left: `${left - 1}px`, height: `${high}px`,
    top: `${bbox.top + high * state.session}px`,
    display: left < bbox.left || left > bbox.right ? "none" : "block" });
}
"""

"""The motif browser's program, first part: bouts, poses, and the player."""

PLAYER = """
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const { sessions, motifs, bouts, map } = data;
const place = new Map(motifs.map((each, index) => [each.motif, index]));
const GREY = "#999", PALE = "#e8e8e8";
const many = (count) => Array.from({ length: count }, (_, i) => i);
const hues = (count) => many(count).map((i) => data.palette[i % data.palette.length]);
const groups = [...new Set(sessions.map((each) => each.group))];
const columns = 4000; // of the part of the ethograms that is seen
const last = Math.max(...sessions.map((each) => each.frames / each.fps));
const fastest = Math.max(...sessions.map((each) => each.fps));

// --- bouts ---------------------------------------------------------------------------------------

const ofSession = sessions.map(() => []); // in time
bouts.start.forEach((_, i) => ofSession[bouts.session[i]].push(i));
ofSession.forEach((own) => own.sort((a, b) => bouts.start[a] - bouts.start[b]));

function boutAt(session, frame) {
  const own = ofSession[session];
  let low = 0, high = own.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (bouts.stop[own[middle]] <= frame) low = middle + 1;
    else if (bouts.start[own[middle]] > frame) high = middle - 1;
    else return own[middle];
  }
  return -1;
}

const drawn = many(bouts.start.length).map((i) => Math.sin(i * 12.9898) * 43758.5453 % 1);
const orders = {
  near: (a, b) => bouts.distance[a] - bouts.distance[b],
  far: (a, b) => bouts.distance[b] - bouts.distance[a],
  random: (a, b) => drawn[a] - drawn[b],
  time: (a, b) => bouts.session[a] - bouts.session[b] || bouts.start[a] - bouts.start[b],
};
sessions.forEach((each) => { // rows of the packed poses that lie before each stretch
  let rows = 0;
  each.before = each.kept.map(([start, stop]) => (rows += stop - start) - (stop - start));
});

function stretchAt(recording, frame) { // the number of the stretch that has this frame, or -1
  let low = 0, high = recording.kept.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1, [start, stop] = recording.kept[middle];
    if (stop <= frame) low = middle + 1;
    else if (start > frame) high = middle - 1;
    else return middle;
  }
  return -1;
}

const kept = (i) => {
  const recording = sessions[bouts.session[i]];
  const stretch = stretchAt(recording, bouts.start[i]);
  return stretch >= 0 && bouts.stop[i] <= recording.kept[stretch][1];
};

// --- the state, and what shows it ----------------------------------------------------------------

const state = { session: 0, frame: 0, playing: false, motif: null, chosen: null, list: [], at: -1 };

function choose(motif, chosen) {
  state.motif = motif;
  state.chosen = chosen;
  const all = chosen ?? many(bouts.start.length).filter(
    (i) => motif === null || bouts.motif[i] === motif);
  state.list = all.filter(kept).sort(orders[$("order").value]);
  state.at = -1;
  $("chosen").textContent = chosen ? `${state.list.length} bouts of the lasso`
    : motif === null ? `All ${state.list.length} bouts`
      : `${state.list.length} bouts of ${motif} ${nameOf(motif)}`;
  document.querySelectorAll("#motifs tbody tr").forEach((row) =>
    row.setAttribute("aria-selected", Number(row.dataset.motif) === motif && !chosen));
  showNames();
  listBouts();
  colourMap();
  binAgain();
}

function listBouts() {
  const rows = state.list.slice(0, 300).map((i, at) => {
    const row = document.createElement("tr");
    const { session, fps } = sessions[bouts.session[i]];
    const cells = [tile(bouts.motif[i]), session, seconds(bouts.start[i] / fps),
      `${((bouts.stop[i] - bouts.start[i]) / fps).toFixed(2)} s`];
    cells.forEach((cell, number) => {
      const td = row.insertCell();
      td.append(cell);
      if (number === 1) { td.className = "name"; td.title = cell; }
    });
    row.tabIndex = 0;
    row.onclick = () => goToBout(at);
    return row;
  });
  document.querySelector("#bouts tbody").replaceChildren(...rows);
}

function goToBout(at) {
  if (!state.list.length) return;
  state.at = (at + state.list.length) % state.list.length;
  document.querySelectorAll("#bouts tr").forEach((row, number) => {
    row.setAttribute("aria-selected", number === state.at);
    if (number === state.at) row.scrollIntoView({ block: "nearest" });
  });
  const bout = state.list[state.at];
  goTo(bouts.session[bout], bouts.start[bout]);
}

function goToMoment(session, frame) { // which need not be in a bout of the list
  state.at = -1;
  goTo(session, frame);
}

function goTo(session, frame) {
  const recording = sessions[session];
  const changed = session !== state.session || !recording.points;
  state.session = session;
  state.frame = Math.max(0, Math.min(recording.frames - 1, Math.round(frame)));
  if (changed) showVideo();
  if (!recording.points) recording.coming ??= unpack(recording).then(draw);
  draw();
}

function seconds(value) {
  const whole = Math.floor(value / 60);
  return `${whole}:${(value - 60 * whole).toFixed(1).padStart(4, "0")}`;
}

function tile(motif) {
  const span = document.createElement("span");
  span.className = "tile";
  const row = motifs[place.get(motif)];
  span.textContent = row ? motif : "–";
  span.style.cssText = row ? `background:${row.colour};color:${row.ink}` : "background:#eee";
  return span;
}

// --- poses ---------------------------------------------------------------------------------------

async function unpack(recording) {
  const text = atob($(`poses${sessions.indexOf(recording)}`).textContent);
  const bytes = new Uint8Array(text.length); // a plain loop: ten times as fast as its `from`
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const numbers = new Int16Array(await new Response(stream).arrayBuffer());
  const width = 2 * data.keypoints.length + 3;
  for (let i = width; i < numbers.length; i++) numbers[i] += numbers[i - width];
  recording.points = numbers;
  let [low, high] = [[Infinity, Infinity], [-Infinity, -Infinity]];
  for (let i = width - 3; i < numbers.length; i += width)
    if (numbers[i] !== -32768)
      [0, 1].forEach((axis) => {
        low[axis] = Math.min(low[axis], numbers[i + axis] * recording.track_step);
        high[axis] = Math.max(high[axis], numbers[i + axis] * recording.track_step);
      });
  recording.arena = low[0] <= high[0] ? [low, high] : null;
}

function poseAt(recording, frame) {
  const stretch = stretchAt(recording, frame);
  if (stretch < 0) return null;
  const row = recording.before[stretch] + frame - recording.kept[stretch][0];
  const width = 2 * data.keypoints.length + 3, at = row * width, numbers = recording.points;
  if (numbers[at] === -32768) return null;
  const points = data.keypoints.map((_, point) =>
    [0, 1].map((axis) => numbers[at + 2 * point + axis] * recording.step));
  const track = numbers[at + width - 3] === -32768 ? null : [
    numbers[at + width - 3] * recording.track_step,
    numbers[at + width - 2] * recording.track_step, numbers[at + width - 1] / 5000];
  return { points, track };
}

function inArena({ points, track }) {
  if (!track) return points;
  const [cos, sin] = [Math.cos(track[2]), Math.sin(track[2])];
  return points.map(([x, y]) => [cos * x - sin * y + track[0], sin * x + cos * y + track[1]]);
}

// --- the player ----------------------------------------------------------------------------------

function paper(canvas) {
  const ratio = window.devicePixelRatio || 1, { clientWidth: wide, clientHeight: high } = canvas;
  if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(high * ratio)) {
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(high * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, wide, high);
  pen.lineCap = pen.lineJoin = "round";
  return [pen, wide, high];
}

function skeleton(pen, points, colour, size, to) {
  pen.strokeStyle = colour;
  pen.lineWidth = size;
  data.edges.forEach(([one, other]) => {
    pen.beginPath();
    pen.moveTo(...to(points[one]));
    pen.lineTo(...to(points[other]));
    pen.stroke();
  });
  points.forEach((point, index) => {
    pen.beginPath();
    pen.arc(...to(point), index === data.head ? 1.7 * size : size, 0, 7);
    pen.fillStyle = index === data.head ? "#222" : colour;
    pen.fill();
  });
}

function draw() {
  const recording = sessions[state.session], { frame } = state;
  if (!recording.points) return; // it is drawn once it is unpacked
  const bout = boutAt(state.session, frame), row = motifs[place.get(bouts.motif[bout])];
  const colour = row ? row.colour : GREY, now = poseAt(recording, frame);
  $("tile").replaceChildren(tile(row ? row.motif : null));
  $("where").textContent = recording.session + (recording.group ? ` (${recording.group})` : "");
  $("clock").textContent = `${seconds(frame / recording.fps)} · frame ${frame}`;
  $("frame").max = recording.frames - 1;
  $("frame").value = frame;
  drawArena(recording, frame, now, colour);
  drawOwn(recording, now, colour);
  drawCursor();
  const film = $("film").querySelector("video");
  if (recording.video && !state.playing) film.currentTime = frame / recording.fps;
}

const thickest = Math.min(4, Math.max(2, 32 / data.keypoints.length));

function drawArena(recording, frame, now, colour) {
  const [pen, wide, high] = paper($("arena"));
  if (!now || !recording.arena || !now.track) return say(pen, now ? "no place known" : missing());
  const margin = recording.reach, [low, top] = recording.arena;
  const scale = Math.min(wide / (top[0] - low[0] + 2 * margin),
    high / (top[1] - low[1] + 2 * margin));
  const middle = [0, 1].map((axis) => (low[axis] + top[axis]) / 2);
  const to = ([x, y]) => [wide / 2 + scale * (x - middle[0]), high / 2 + scale * (y - middle[1])];
  pen.lineWidth = 1.5;
  pen.strokeStyle = "#e2e2e2"; // where the animal has been, at its largest reach
  const corner = to([low[0] - margin, low[1] - margin]);
  pen.strokeRect(...corner, ...[0, 1].map((axis) => scale * (top[axis] - low[axis] + 2 * margin)));
  const trail = Math.round(3 * recording.fps);
  let last = null;
  for (let at = Math.max(0, frame - trail); at <= frame; at++) {
    const pose = poseAt(recording, at), point = pose && pose.track ? to(pose.track) : null;
    if (last && point) {
      const own = motifs[place.get(bouts.motif[boutAt(state.session, at)])];
      pen.strokeStyle = own ? own.colour : "#ccc";
      pen.globalAlpha = 0.15 + (0.6 * (at - frame + trail)) / trail;
      pen.beginPath();
      pen.moveTo(...last);
      pen.lineTo(...point);
      pen.stroke();
    }
    last = point;
  }
  pen.globalAlpha = 1;
  skeleton(pen, inArena(now), colour, Math.max(1.5, Math.min(thickest, (scale * margin) / 12)), to);
}

function drawOwn(recording, now, colour) {
  const [pen, wide, high] = paper($("own"));
  if (!now) return say(pen, missing());
  const scale = Math.min(wide, high) / (2.3 * recording.reach);
  const to = ([x, y]) => [wide / 2 + scale * (x - 0.25 * recording.reach), high / 2 + scale * y];
  skeleton(pen, now.points, colour, thickest, to);
}

const missing = () => data.partial ? "not kept in this page" : "not usable";

function say(pen, sentence) {
  pen.fillStyle = GREY;
  pen.font = "13px system-ui, sans-serif";
  pen.fillText(sentence, 12, 24);
}

function showVideo() {
  const { video } = sessions[state.session], film = $("film").querySelector("video");
  $("film").hidden = !video;
  film.pause();
  if (video && film.getAttribute("src") !== video) film.src = video;
}

$("film").querySelector("video").onerror = () => { $("film").hidden = true; };

let before = null;
function play(time) {
  if (!state.playing) { before = null; return; }
  const recording = sessions[state.session];
  if (before === null) before = time;
  const passed = ((time - before) / 1000) * recording.fps * Number($("speed").value);
  if (passed >= 1) {
    before = time;
    const next = state.frame + Math.floor(passed), bout = state.list[state.at];
    if ($("stay").checked && state.at >= 0 && next >= bouts.stop[bout]) goToBout(state.at + 1);
    else if (next >= recording.frames) setPlaying(false);
    else goTo(state.session, next);
  }
  requestAnimationFrame(play);
}

function setPlaying(playing) {
  if (playing && state.at < 0 && $("stay").checked && state.motif !== null) goToBout(0);
  state.playing = playing;
  $("play").textContent = playing ? "▮▮" : "▶";
  const film = $("film").querySelector("video"), recording = sessions[state.session];
  if (recording.video && !$("film").hidden) {
    film.playbackRate = Number($("speed").value);
    film.currentTime = state.frame / recording.fps;
    if (playing) film.play().catch(() => {}); else film.pause();
  }
  if (playing) requestAnimationFrame(play);
}
"""

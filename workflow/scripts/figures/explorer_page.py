"""The skeleton and the style of the motif browser's page."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1><p id="note" role="status"></p>
<button id="save" title="Save motif_names.tsv, for the setting motif_names (s)" disabled>
save names</button>
<button id="help" aria-expanded="false" title="Keys (?)">? keys</button></header>
<section id="keys" hidden>
<kbd>space</kbd> play or pause · <kbd>←</kbd> <kbd>→</kbd> one frame (with <kbd>shift</kbd> one
second) · <kbd>n</kbd> <kbd>p</kbd> next or previous bout of the list · <kbd>↑</kbd>
<kbd>↓</kbd> next or previous motif · <kbd>h</kbd> half speed ·
<kbd>1</kbd> <kbd>2</kbd> <kbd>3</kbd> bouts
nearest to the centre, farthest, at random · <kbd>s</kbd> save the names ·
<kbd>esc</kbd> clear the selection · in map and ethograms: scroll to zoom, double-click to see all
</section>
<main>
<section id="left" aria-label="Motifs">
<div class="scroll"><table id="motifs"><thead><tr><th></th><th>motif</th>
<th class="called">name</th><th>share</th>
<th>bouts</th><th>median</th><th class="groups">by group</th></tr></thead>
<tbody></tbody></table></div>
<form id="names" class="bar" hidden><label>name <input id="name" maxlength="60"></label>
<label>colour <input id="hue" type="color"></label>
<button id="default" type="button" title="Give the motif its first colour again">↺</button>
<label>merge into <select id="into"></select></label>
<label>note <input id="words" maxlength="200"></label><span id="merged"></span></form>
<div class="bar"><b id="chosen">All bouts</b>
<select id="order" aria-label="Order of bouts"><option value="near">nearest to the centre</option>
<option value="far">farthest from it</option><option value="random">at random</option>
<option value="time">in time</option></select></div>
<div class="scroll"><table id="bouts"><tbody></tbody></table></div>
</section>
<section id="middle" aria-label="Map of latents">
<div class="bar"><b>Map of latents</b><label>colour by
<select id="colour"><option value="motif">motif</option>
<option value="community">community</option>
<option value="session">session</option><option value="group">group</option>
<option value="label">annotated label</option></select></label></div>
<div id="map"></div><div id="legend"></div>
</section>
<section id="right" aria-label="Player">
<div class="bar"><span id="tile"></span><b id="where"></b><span id="clock"></span></div>
<div id="screens"><figure><canvas id="arena"></canvas><figcaption>in the arena</figcaption></figure>
<figure><canvas id="own"></canvas><figcaption>egocentric</figcaption></figure>
<figure id="film" hidden><video muted playsinline></video>
<figcaption>video</figcaption></figure></div>
<div class="bar controls"><button id="previous" title="Previous bout (p)">‹</button>
<button id="play" title="Play or pause (space)">▶</button>
<button id="next" title="Next bout (n)">›</button>
<input id="frame" type="range" min="0" value="0" step="1" aria-label="Frame">
<label>speed <select id="speed"><option value="0.25">¼</option><option value="0.5">½</option>
<option value="1" selected>1</option><option value="2">2</option></select></label>
<label><input id="stay" type="checkbox" checked> bouts of the list one after the other</label></div>
</section>
<section id="below" aria-label="Ethograms">
<div id="ethogram"></div><div id="cursor"></div></section>
</main>
<script type="application/json" id="data">{data}</script>
{poses}
<script>{bokeh}</script>
<script>{script}</script>
</body>
</html>
"""

STYLE = """
:root { --ink: #222; --grey: #777; --line: #e2e2e2; }
* { box-sizing: border-box; }
body { margin: 0; height: 100vh; display: flex; flex-direction: column; color: var(--ink);
  font: 13px/1.4 system-ui, sans-serif; background: #fff; }
header { display: flex; gap: 1rem; align-items: baseline; padding: .4rem .8rem;
  border-bottom: 1px solid var(--line); }
h1 { font-size: 1rem; margin: 0; }
#note { color: var(--grey); margin: 0; flex: 1; }
#keys { padding: .3rem .8rem; background: #f6f6f6; border-bottom: 1px solid var(--line); }
kbd { border: 1px solid #bbb; border-radius: 3px; padding: 0 .25rem; background: #fff; }
main { flex: 1; min-height: 0; display: grid; gap: 0 .8rem; padding: .4rem .8rem;
  grid-template: minmax(0, 1fr) auto / 27rem minmax(16rem, 1fr) minmax(26rem, 1.5fr); }
section { min-width: 0; min-height: 0; }
#left, #middle, #right { display: flex; flex-direction: column; }
#left .scroll { overflow: auto; border: 1px solid var(--line); }
#left .scroll:first-child { max-height: 50%; }
#names { flex-wrap: wrap; }
#names[hidden] { display: none; }
#names label { display: flex; gap: .4rem; align-items: center; }
#names label:first-child, #names label:last-of-type { flex: 1; }
#name, #words { flex: 1; width: 4rem; min-width: 0; }
#hue { width: 2.2rem; height: 1.6rem; padding: 1px; }
#into { width: 6rem; }
#motifs .called { text-align: left; max-width: 6rem; overflow: hidden; text-overflow: ellipsis; }
#left .scroll:last-child { flex: 1; }
.bar { display: flex; gap: .6rem; align-items: center; padding: .25rem 0; min-height: 2rem; }
.bar b { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
button, select { font: inherit; }
button { border: 1px solid #bbb; background: #fafafa; border-radius: 4px; cursor: pointer; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { position: sticky; top: 0; background: #fff; color: var(--grey); font-weight: 500;
  text-align: right; box-shadow: 0 1px 0 var(--line); z-index: 1; }
td, th { padding: .1rem .3rem; text-align: right; white-space: nowrap; }
#motifs canvas { display: block; }
tbody tr { cursor: pointer; }
tbody tr:hover { background: #f3f3f3; }
tbody tr[aria-selected=true] { background: #e7eef7; }
tbody tr:focus-visible { outline: 2px solid #3477c5; outline-offset: -2px; }
#bouts td:first-child { width: 1%; }
td.name { text-align: left; overflow: hidden; text-overflow: ellipsis; max-width: 9rem; }
.tile { display: inline-block; min-width: 1.7em; padding: 0 .3em; text-align: center;
  border-radius: 4px; font-weight: 600; }
th.groups { text-align: left; line-height: 1.15; font-size: .85em; }
th.groups span { display: block; max-width: 4.6rem; overflow: hidden; text-overflow: ellipsis; }
.groups div i { display: block; height: 4px; min-width: 1px; background: #555; margin: 1px 0; }
#map { flex: 1; min-height: 0; overflow: hidden; }
#legend { display: flex; flex-wrap: wrap; gap: .1rem .8rem; padding: .2rem 0; max-height: 4.5rem;
  overflow: auto; }
#legend i, th.groups i { display: inline-block; width: .8em; height: .8em; border-radius: 50%;
  margin-right: .3em; }
#screens { flex: 1; min-height: 0; display: flex; gap: .5rem; }
figure { margin: 0; flex: 1; min-width: 0; display: flex; flex-direction: column;
  border: 1px solid var(--line); }
figure[hidden] { display: none; }
figure:first-child { flex: 1.5; }
figure canvas, figure video { flex: 1; min-height: 0; width: 100%; }
video { object-fit: contain; background: #f6f6f6; }
figcaption { color: var(--grey); padding: 0 .4rem; font-size: .85em; }
#clock { font-variant-numeric: tabular-nums; color: var(--grey); white-space: nowrap; }
.controls { flex-wrap: wrap; }
#frame { flex: 1; min-width: 8rem; }
#below { grid-column: 1 / -1; position: relative; max-height: 38vh; overflow-y: auto;
  border-top: 1px solid var(--line); }
#cursor { position: absolute; width: 0; border-left: 3px solid #d00; pointer-events: none;
  display: none; }
"""

/** The bar: time, basis, colour, classes. On small screens most of it is folded. */

import { hexOf } from "../paint/colours";
import { short } from "../wording";
import { useStore } from "./context";
import { whenOf } from "./describe";
import { Choice, Toggle } from "./parts";

export function Controls() {
  const store = useStore();
  const { run } = store;
  if (!run?.layers.length) return null;
  return (
    <div class="controls" role="group" aria-label="View">
      <Time />
      <Toggle class="draw" on={store.drawing}
        onClick={() => { store.drawing = !store.drawing; }}>draw around</Toggle>
      <details class="fold" open={!store.narrow}>
        <summary>view</summary>
        <div class="row">
          {run.bases.length > 1 && (
            <Choice label="axes" value={store.basis}
              choose={(at) => { store.basis = at; }}
              options={run.bases.map(({ label, title }, id) => ({ id, label, title }))} />
          )}
          <Colour />
          <Legend />
        </div>
      </details>
    </div>
  );
}

function Time() {
  const store = useStore();
  if (!store.last || !store.run) return null;
  const label = whenOf(store.run, store.snapshot);
  const isPlaying = store.playing;
  return (
    <div class="time">
      <Toggle class="play" on={isPlaying}
        onClick={() => { store.playing = !isPlaying; }}>
        <span aria-hidden="true">{isPlaying ? "❚❚" : "▶"}</span>
        <span class="word">{isPlaying ? " pause" : " watch it learn"}</span>
      </Toggle>
      <label>
        <span class="epoch">{short(label, 14)}</span>
        <input type="range" min={0} max={store.last} step={1} aria-label="snapshot"
          aria-valuetext={label} value={store.snapshot}
          onInput={(event) => {
            store.playing = false;
            store.time = Number(event.currentTarget.value);
          }} />
      </label>
    </div>
  );
}

/** More than these are chosen from a list. */
const BUTTONS = 4;

function Colour() {
  const store = useStore();
  const { colours } = store;
  if (colours.length < 2) return null;
  const columns = colours.slice(BUTTONS);
  const value = store.colour;
  const choose = (id: string) => { store.colour = id; };
  return (
    <>
      <Choice label="colour" value={value} choose={choose}
        options={colours.slice(0, BUTTONS)} />
      {columns.length > 0 && (
        <select aria-label="colour by a column" value={value.startsWith("column") ? value : ""}
          onChange={(event) => choose(event.currentTarget.value || "class")}>
          <option value="">column…</option>
          {columns.map(({ id, label }) => (
            <option value={id}>{short(label, 30)}</option>))}
        </select>
      )}
    </>
  );
}

/** Classes are switched here; what other colours mean is said beside them. */
function Legend() {
  const store = useStore();
  const { names } = store;
  const key = store.tints[store.first]?.value.key;
  const byClass = store.colour === "class";
  return (
    <div class="legend">
      {names.length <= 30 && (
        <div role="group" aria-label="classes" class="classes">
          {names.map((name, label) => (
            <Toggle title={name} on={!store.hidden.includes(label)}
              style={byClass ? { borderBottomColor: store.classColours[label] ?? "" } : {}}
              onClick={() => store.toggle(label)}>{short(name, 12)}</Toggle>
          ))}
        </div>
      )}
      {key && "names" in key && (
        <ul class="key">
          {key.names.map(({ name, colour }) => (
            <li><i style={{ backgroundColor: hexOf(colour) }} />{short(name, 14)}</li>
          ))}
        </ul>
      )}
      {key && "low" in key && (
        <p class="key">
          {key.low}
          <i class="scale" style={{ backgroundImage: `linear-gradient(90deg,${
            [0, 0.25, 0.5, 0.75, 1].map((s) => hexOf(key.colour(s))).join(",")})` }} />
          {key.high}
        </p>
      )}
    </div>
  );
}

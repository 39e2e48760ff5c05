/** What is shown, as signals: everything on the page follows from these. */

import { batch, computed, Signal, signal, type ReadonlySignal } from "@preact/signals-core";
import type { Numbers } from "./blocks";
import { coloursOf, readLink, writeLink, type Section, type View } from "./link";
import { maskOf, type Mark } from "./marks";
import { range } from "./numbers";
import { between, camerasOf, WHOLE, type Camera } from "./paint/camera";
import { DARK, LIGHT } from "./paint/colours";
import { DRAWN, FAINT, HIDDEN } from "./paint/points";
import { pixelsOf, tintOf } from "./paint/tint";
import type { Basis, Finding } from "./payload";
import { positionsAt, snapshotsOf, valuesAt, type Records } from "./records";

export type Store = ReturnType<typeof storeOf>;

/** Signals as properties: reading one follows it, writing one sets it. */
type Opened<T> = {
  -readonly [K in keyof T]: T[K] extends ReadonlySignal<infer V> ? V : T[K];
};

function opened<T extends object>(parts: T): Opened<T> {
  const store = {};
  for (const [name, part] of Object.entries(parts)) {
    Object.defineProperty(store, name, part instanceof Signal ? {
      get: () => part.value,
      set: (value: unknown) => { part.value = value; },
    } : { value: part });
  }
  return store as Opened<T>;
}

/** What stands for a sample drawn by hand in each layer, and what is answered. */
export interface Own {
  /** By run 0's layer: x and y in the square. */
  places: ([number, number] | null)[];
  answer: number;
  probabilities: number[];
}

/** At most so many layers are shown at first. */
export const VIEWS = 6;

export function storeOf(records: Records) {
  const { payload, first } = records;
  const run = payload.runs[first];
  const last = run ? snapshotsOf(run) - 1 : 0;

  /** In snapshots, of `run`: between whole numbers while points move. */
  const time = signal(last);
  const playing = signal(false);
  const basis = signal(0);
  const colour = signal("class");
  const hidden = signal<readonly number[]>([]);
  const marks = signal<readonly Mark[]>([]);
  const focus = signal(-1);
  const hover = signal(-1);
  const pair = signal<[number, number] | null>(null);
  const chosen = signal<readonly number[]>([]);
  const finding = signal<Finding | null>(null);
  const own = signal<Own | null>(null);
  const dark = signal(false);
  /** As on a phone. */
  const narrow = signal(false);
  /** A finger draws instead of scrolling. */
  const drawing = signal(false);
  const section = signal<Section | null>(null);

  const answersAt = (index: number) => timedAt(index, "answers");
  const confidenceAt = (index: number) => timedAt(index, "confidence");
  /** Of the samples known at the time shown; null where a run says nothing. */
  function timedAt(index: number, what: "answers" | "confidence"): Numbers | null {
    const of = payload.runs[index];
    const timed = of?.[what];
    return of && timed ? valuesAt(records, of, timed, snapshotOf(index)) : null;
  }

  const snapshot = computed(() => Math.round(time.value));
  const moving = computed(() => playing.value || time.value !== snapshot.value);
  const theme = computed(() => (dark.value ? DARK : LIGHT));
  const classColours = computed(() =>
    dark.value ? payload.classes.dark : payload.classes.light);
  /** Where another run is on its way when `run` is at `time`. */
  const timeOf = (index: number) => {
    const other = payload.runs[index];
    if (index === first || !other || !last) return time.value;
    return (time.value / last) * (snapshotsOf(other) - 1);
  };
  // Computed, so that what follows a snapshot is not done anew while points move.
  const snapshots = payload.runs.map((_, index) =>
    computed(() => Math.round(timeOf(index))));
  const snapshotOf = (index: number) => snapshots[index]?.value ?? 0;
  /** What is marked is so in all runs: `run` says what that is. */
  const mask = computed(() => maskOf(marks.value, records, run, snapshot.value));
  const markedSamples = computed(() => {
    const found: number[] = [];
    mask.value?.forEach((one, i) => one && found.push(i));
    return found;
  });
  const roles = computed(() => {
    const found = new Uint8Array(records.count).fill(DRAWN);
    const out = new Set(hidden.value);
    const marked = mask.value;
    for (let i = 0; i < found.length; i++) {
      if (out.has(records.labels[i]!)) found[i] = HIDDEN;
      else if (marked && !marked[i]) found[i] = FAINT;
    }
    return found;
  });
  const tints = payload.runs.map((of, index) => computed(() => tintOf(records, of,
    colour.value, snapshotOf(index), theme.value, classColours.value)));
  const pixels = tints.map((tint) => computed(() => pixelsOf(records, tint.value)));
  const basisOf = (index: number): Basis | undefined => payload.runs[index]?.bases[basis.value];
  /** x, y of the samples known at the snapshot shown; none where a run has no axes. */
  function placesOf(index: number, layer: number): Int16Array {
    const [of, axes] = [payload.runs[index], basisOf(index)];
    return of && axes ? positionsAt(records, of, axes, snapshotOf(index), layer)
      : new Int16Array();
  }
  const cameraAt = camerasOf(records);
  /** What a layer's view shows at the present time. */
  function cameraOf(index: number, layer: number): Camera {
    const [of, axes] = [payload.runs[index], basisOf(index)];
    if (!of || !axes) return WHOLE;
    const at = Math.floor(timeOf(index));
    const share = timeOf(index) - at;
    const camera = cameraAt(of, axes, layer, at);
    return share ? between(camera, cameraAt(of, axes, layer, at + 1), eased(share)) : camera;
  }
  /** Layers shown of each run. */
  const layersOf = (index: number) => shownLayers(
    payload.runs[index]?.layers.length ?? 0, chosen.value,
    payload.kind === "compare" ? 3 : VIEWS);
  const current = computed(() => (hover.value >= 0 ? hover.value : focus.value));

  const view = (): View => ({
    snapshot: snapshot.value, basis: basis.value, colour: colour.value,
    marks: [...marks.value], focus: focus.value, hidden: [...hidden.value],
    pair: pair.value, layers: [...chosen.value], section: null,
  });
  const link = computed(() => writeLink(view(), records));

  function go(to: Partial<View>): void {
    batch(() => {
      playing.value = false;
      if (to.snapshot != null) time.value = Math.min(last, to.snapshot);
      if (to.basis != null) basis.value = to.basis;
      if (to.colour != null) colour.value = to.colour;
      if (to.marks) marks.value = to.marks;
      if (to.focus != null) focus.value = to.focus;
      if (to.hidden) hidden.value = to.hidden;
      if (to.pair !== undefined) pair.value = to.pair;
      if (to.layers) chosen.value = to.layers;
      if (to.section) section.value = to.section;
    });
  }

  return opened({
    records, payload, runs: payload.runs, samples: payload.samples, run, first, last, answersAt, confidenceAt,
    names: payload.classes.names,
    array: records.blocks.array,
    time, playing, basis, colour, hidden, marks, focus, hover, pair, chosen, finding,
    own, dark, narrow, drawing, section,
    snapshot, snapshotOf, moving, theme, classColours, timeOf, mask, markedSamples,
    roles, tints, pixels, layersOf, basisOf, placesOf, cameraOf, current, link, go,
    colours: coloursOf(records),
    /** Follow a link: what it does not name starts anew. */
    follow(hash: string) {
      go({
        snapshot: last, basis: 0, colour: "class", marks: [], focus: -1, hidden: [],
        pair: null, layers: [], ...readLink(hash, records),
      });
    },
    /** Show what a finding is about, of the end of the training unless it says another
     * time; axes and a pinned sample stay. */
    show(found: Finding) {
      finding.value = found;
      if (found.link) go({ snapshot: last, marks: [], colour: "class", ...readLink(found.link, records) });
    },
    /** Mark; with `add`, beside what is marked. Nothing else is of one finding then. */
    mark(one: Mark | null, add = false) {
      batch(() => {
        finding.value = null;
        const before = add ? marks.value : [];
        marks.value = one ? [...before, one].slice(-20) : [];
      });
    },
    toggle(label: number) {
      const out = hidden.value;
      hidden.value = out.includes(label)
        ? out.filter((c) => c !== label) : [...out, label].sort((a, b) => a - b);
    },
  });
}

/** How far points are when so much of the time between two snapshots has passed. */
export const eased = (share: number) => share * share * (3 - 2 * share);

/** Those chosen; else all; else the first, the last and some between, evenly. */
export function shownLayers(
  layers: number, chosen: readonly number[], most: number,
): number[] {
  const wanted = chosen.filter((layer) => layer < layers);
  if (wanted.length) return wanted;
  if (layers <= most) return range(layers);
  const step = (layers - 1) / (most - 1);
  return range(most).map((i) => Math.round(i * step));
}

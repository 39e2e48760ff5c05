/** What is marked, as a value that a link can hold; and which samples that are. */

import { inside } from "./paint/hit";
import type { Run } from "./payload";
import {
  knownAt, positionsAt, readingsOfLayer, snapshotsOf, valuesAt, type Records,
} from "./records";

/** A kind of set, and which one of it: "cell" at [label, answer], and so on. */
export interface Mark {
  kind: Kind;
  at: readonly number[];
}

/** What the numbers of each kind are. */
const KINDS = {
  errors: [],
  suspects: [],
  /** Label and answer. */
  cell: ["class", "class"],
  /** All samples of two classes. */
  pair: ["class", "class"],
  class: ["class"],
  /** Those of a class that a layer's probe misses. */
  missed: ["layer", "class"],
  /** The layer from which on all probes read the answer; none where it is -1. */
  settled: ["settled"],
  /** Confidence below so many percent. */
  unsure: ["percent"],
  samples: ["sample"],
  /** Drawn around: where, and then the corners in thousandths of the square. */
  lasso: ["run", "basis", "snapshot", "layer", "corner"],
} as const;
type Kind = keyof typeof KINDS;
type Field = (typeof KINDS)[Kind][number];

/** The last field of these is there as often as is wanted: at least, at most. */
const MANY: Partial<Record<Kind, [number, number]>> = { samples: [1, 200], lasso: [10, 164] };

export const writeMarks = (marks: readonly Mark[]) =>
  marks.map(({ kind, at }) => (at.length ? `${kind}:${at.join(".")}` : kind)).join("+");

/** The marks of a link; what cannot be one, for this page, is left out. */
export const readMarks = (text: string, records: Records): Mark[] =>
  text.split("+", 20).flatMap((one) => read(one, records) ?? []);

function read(text: string, records: Records): Mark | null {
  const found = /^([a-z]{4,8})(?::(-?\d{1,7}(?:\.-?\d{1,7}){0,199}))?$/.exec(text);
  const kind = found?.[1] as Kind | undefined;
  if (!kind || !Object.hasOwn(KINDS, kind)) return null;
  const at = found?.[2] ? found[2].split(".").map(Number) : [];
  const fields: readonly Field[] = KINDS[kind];
  const [least, most] = MANY[kind] ?? [fields.length, fields.length];
  if (at.length < least || at.length > most) return null;
  const limits = limitsOf(records, kind === "lasso" ? at[0] : records.first);
  const isPossible = at.every((n, i) => {
    const [low, high] = limits[fields[Math.min(i, fields.length - 1)]!];
    return n >= low && n <= high;
  });
  return isPossible && !(kind === "lasso" && at.length % 2) ? { kind, at } : null;
}

/** Each field's least and greatest number on this page. */
function limitsOf({ payload, count }: Records, index = 0): Record<Field, [number, number]> {
  const run = payload.runs[index];
  const layers = (run?.layers.length ?? 0) - 1;
  return {
    class: [0, payload.classes.names.length - 1], layer: [0, layers],
    settled: [-1, layers], percent: [1, 100], sample: [0, count - 1],
    run: [0, payload.runs.length - 1], basis: [0, (run?.bases.length ?? 0) - 1],
    snapshot: [0, run ? snapshotsOf(run) - 1 : -1], corner: [-1100, 1100],
  };
}

/** Ones for the samples that any of the marks has; null where nothing is marked. */
export function maskOf(
  marks: readonly Mark[], records: Records, run: Run | undefined, snapshot: number,
): Uint8Array | null {
  if (!marks.length || !run) return null;
  const mask = new Uint8Array(records.count);
  for (const mark of marks) {
    const has = membership(mark, records, run, snapshot);
    const known = ["cell", "errors", "unsure"].includes(mark.kind)
      ? knownAt(records, run, snapshot) : records.count;
    for (let i = 0; i < known; i++) if (has(i)) mask[i] = 1;
  }
  return mask;
}

type Membership = (sample: number) => boolean;

function membership(
  { kind, at }: Mark, records: Records, run: Run, snapshot: number,
): Membership {
  const { labels, payload, blocks } = records;
  const [a = 0, b = 0] = at;
  const answers = run.answers && valuesAt(records, run, run.answers, snapshot);
  switch (kind) {
    case "errors": return (i) => answers != null && answers[i] !== labels[i];
    case "cell": return (i) => labels[i] === a && answers?.[i] === b;
    case "pair": return (i) => labels[i] === a || labels[i] === b;
    case "class": return (i) => labels[i] === a;
    case "missed": {
      const readings = readingsOfLayer(records, run, a);
      return (i) => readings != null && labels[i] === b && readings[i] !== b;
    }
    case "settled": {
      const settled = run.settled && blocks.array(run.settled);
      return (i) => settled?.[i] === a;
    }
    case "unsure": {
      const sure = run.confidence && valuesAt(records, run, run.confidence, snapshot);
      return (i) => sure != null && sure[i]! < (a / 100) * 65535;
    }
    case "suspects": return among((payload.suspects ?? [])
      .filter((suspect) => suspect.in === "samples").map((suspect) => suspect.at));
    case "samples": return among(at);
    case "lasso": return drawnAround(at, records);
  }
}

function among(samples: readonly number[]): Membership {
  const set = new Set(samples);
  return (i) => set.has(i);
}

function drawnAround(at: readonly number[], records: Records): Membership {
  const [index, basis, snapshot, layer, ...polygon] = at as [number, number, number, number];
  const run = records.payload.runs[index]!;
  const xy = positionsAt(records, run, run.bases[basis]!, snapshot, layer);
  const hits = inside(xy, polygon.map((n) => n * 32.767));
  return (i) => hits[i] === 1;
}

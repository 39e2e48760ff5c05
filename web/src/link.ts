/** The link is the view: what follows "#" says what is shown, and nothing else does. */

import { readMarks, writeMarks, type Mark } from "./marks";
import { columnsOf, snapshotsOf, type Records } from "./records";

export const SECTIONS = [
  "scatters", "knows", "errors", "pairs", "suspects", "training", "data", "own",
  "findings",
] as const;
export type Section = (typeof SECTIONS)[number];

export interface View {
  snapshot: number;
  /** Index of the basis in each run's list. */
  basis: number;
  colour: string;
  marks: Mark[];
  /** A pinned sample; -1: none. */
  focus: number;
  hidden: number[];
  pair: [number, number] | null;
  /** Layers in the views; empty: chosen by the page. */
  layers: number[];
  section: Section | null;
}

/** What a link says of the view. Whatever it cannot say on this page is ignored. */
export function readLink(hash: string, records: Records): Partial<View> {
  const view: Partial<View> = {};
  for (const entry of hash.replace(/^#/, "").slice(0, 8000).split("&", 20)) {
    const at = entry.indexOf("=");
    if (at < 1) continue;
    let value: string;
    try {
      value = decodeURIComponent(entry.slice(at + 1));
    } catch {
      continue;
    }
    read[entry.slice(0, at) as keyof typeof read]?.(view, value, records);
  }
  return view;
}

type Reader = (view: Partial<View>, value: string, records: Records) => void;

const read = Object.assign(Object.create(null) as Record<string, Reader>, {
  e(view, value, records) {
    const most = Math.max(1, ...records.payload.runs.map(snapshotsOf));
    const n = whole(value, most);
    if (n != null) view.snapshot = n;
  },
  b(view, value, records) {
    const found = records.payload.runs[records.first]?.bases.findIndex(({ id }) => id === value);
    if (found != null && found >= 0) view.basis = found;
  },
  c(view, value, records) {
    if (coloursOf(records).some(({ id }) => id === value)) view.colour = value;
  },
  m(view, value, records) {
    view.marks = readMarks(value, records);
  },
  f(view, value, records) {
    const n = whole(value, records.count);
    if (n != null) view.focus = n;
  },
  h(view, value, records) {
    view.hidden = wholes(value, records.payload.classes.names.length);
  },
  p(view, value, records) {
    const [a, b, ...rest] = wholes(value, records.payload.classes.names.length);
    if (a != null && b != null && !rest.length) view.pair = [a, b];
  },
  l(view, value, records) {
    const layers = Math.max(0, ...records.payload.runs.map((r) => r.layers.length));
    view.layers = [...new Set(wholes(value, layers))];
  },
  s(view, value) {
    if ((SECTIONS as readonly string[]).includes(value)) view.section = value as Section;
  },
} satisfies Record<string, Reader>);

function whole(value: string, below: number): number | null {
  const n = /^\d{1,9}$/.test(value) ? Number(value) : NaN;
  return n < below ? n : null;
}

const wholes = (value: string, below: number) =>
  value.split(".", 1000).flatMap((one) => whole(one, below) ?? []);

export function writeLink(view: View, records: Records): string {
  const run = records.payload.runs[records.first];
  const last = run ? snapshotsOf(run) - 1 : 0;
  const parts: [string, string][] = [
    ["e", view.snapshot === last ? "" : String(view.snapshot)],
    ["b", view.basis ? (run?.bases[view.basis]?.id ?? "") : ""],
    ["c", view.colour === "class" ? "" : view.colour],
    ["m", writeMarks(view.marks)],
    ["f", view.focus < 0 ? "" : String(view.focus)],
    ["h", view.hidden.join(".")],
    ["p", view.pair?.join(".") ?? ""],
    ["l", view.layers.join(".")],
  ];
  return parts.filter(([, value]) => value)
    .map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll("%3A", ":")}`)
    .join("&");
}

/** What points can be coloured by on this page. */
export function coloursOf(records: Records): { id: string; label: string }[] {
  const run = records.payload.runs[records.first];
  const found = [{ id: "class", label: "class" }];
  if (run?.answers) found.push({ id: "error", label: "error" });
  if (run?.confidence) found.push({ id: "confidence", label: "confidence" });
  if (run?.settled) found.push({ id: "settled", label: "settled in" });
  columnsOf(records.payload.samples).forEach(({ name }, i) =>
    found.push({ id: `column:${i}`, label: name }));
  return found;
}

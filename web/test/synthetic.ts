/** Payloads of made-up runs, for tests and for looking at the page without a training. */

import type { ArrayRef, DType, Payload, Samples } from "../src/payload";
import { madeRun } from "./synthetic-run";

export interface Wanted {
  name?: string;
  classes?: number;
  layers?: number;
  units?: number;
  snapshots?: number;
  count?: number;
  moving?: number;
  runs?: number;
  kind?: "pictures" | "table" | "plane";
  classNames?: string[];
  /** Nothing but the training, which diverged. */
  diverged?: boolean;
  sweep?: boolean;
  /** Encodes grey pixels as the base64 of a PNG; without it there are no pictures. */
  png?: (width: number, height: number, grey: Uint8Array) => string;
}

export interface Synthetic {
  payload: Payload;
  blocks: Map<string, string>;
}

/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const TEN = ["#5790fc", "#ffa90e", "#cc3311", "#332288", "#88ccee", "#999933", "#cc79a7",
  "#222222", "#882255", "#7a21dd"];
const TEN_DARK = ["#6f9ffc", "#ffb52e", "#f0583a", "#8a76d8", "#9bd7f2", "#b3b34a",
  "#e08fbd", "#cfcfcf", "#c2508a", "#a76cf0"];
const ARRAYS = {
  uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array,
  int32: Int32Array, float32: Float32Array,
};

export function synthetic(wanted: Wanted = {}): Synthetic {
  const { classes = 10, count = 600, kind = "pictures", name = "synthetic" } = wanted;
  const make = maker();
  const random = randomOf(1);
  const labels = Array.from({ length: count }, () => Math.floor(random() * classes));
  const samples: Samples = {
    count, moving: Math.min(count, wanted.moving ?? count), scored: count,
    part: "test sample",
    labels: make("int16", [count], labels),
    positions: make("int32", [count], labels.map((_, i) => 3 * i)),
    source: { files: ["test.csv"], row: make("int32", [count], labels.map((_, i) => 3 * i + 1)),
      from: 1 },
    neighbours: { of: make("int32", [20], [...Array(20).keys()]),
      at: make("int32", [20, 5], Array.from({ length: 100 }, (_, i) => i % 30)) },
  };
  if (kind === "pictures" && wanted.png) samples.pictures = pictures(wanted, labels, make);
  if (kind !== "pictures") {
    const features = kind === "plane" ? ["x", "y"] : ["length", "width", "height", "weight"];
    samples.columns = [
      ...features.map((feature, f) => ({ name: feature, role: "feature" as const,
        values: make("float32", [count], labels.map((c) => c * (f + 1) + random())) })),
      { name: "town", role: "metadata" as const, levels: ["Bern", "Oslo", "Rome"],
        values: make("float32", [count], labels.map(() => Math.floor(random() * 3))) },
    ];
  }
  const names = wanted.classNames ?? [...Array(classes).keys()].map(String);
  const colours = (of: string[]) => names.map((_, i) => of[i % of.length]!);
  const payload: Payload = {
    version: 1, kind: (wanted.runs ?? 1) > 1 ? "compare" : "report", name,
    structure: "784 → 100 → 10",
    certainties: "Counted: of all samples.",
    classes: { names, light: colours(TEN), dark: colours(TEN_DARK) },
    samples,
    others: { count: 30, part: "training sample",
      labels: make("int16", [30], Array.from({ length: 30 }, (_, i) => i % classes)),
      positions: make("int32", [30], [...Array(30).keys()].map((i) => 100 + i)) },
    runs: Array.from({ length: wanted.runs ?? 1 }, (_, r) =>
      madeRun(wanted, r, labels, make)),
    suspects: [0, 1, 2, 3, 4, 5].map((at) => ({
      in: "samples" as const, at, label: labels[at]!, suggestion: (labels[at]! + 1) % classes,
      score: 0.99 - at / 100, probability: 0.97, agreeing: 8, neighbours: 10,
      since: "hidden1" })),
    tables: [
      { id: "sets", title: "Sets", place: "data", head: ["", "train", "test"],
        rows: [["samples", "60,000", "10,000"], ["min", "0", "0"]] },
      { id: "scores", title: "Scores", place: "numbers", head: ["", "loss", "accuracy"],
        rows: [["test", "0.07", "97.9 %"]] },
      { id: "settings", title: "Settings", place: "compare", head: ["", "first", "second"],
        rows: [["depth", "2", "5"]] },
    ],
    facts: [["optimiser", "adam"], ["seed", "0"]],
  };
  if (wanted.diverged) diverge(payload);
  if (wanted.sweep) sweep(payload);
  return { payload, blocks: make.blocks };
}

function diverge(payload: Payload): void {
  const { name, charts } = payload.runs[0]!;
  delete payload.samples;
  delete payload.others;
  delete payload.suspects;
  payload.runs = [{ name, charts, layers: [], snapshots: [], bases: [],
    warning: "The training diverged at epoch 3: the loss is no longer finite.",
    findings: [{ kind: "rate", headline: "The learning rate is too high.", certainty: "measured",
      detail: "Losses grow from the first step on. Use --learning-rate 0.003.", evidence: {} }] }];
}

function sweep(payload: Payload): void {
  diverge(payload);
  payload.kind = "sweep";
  payload.runs = [];
  const [columns, rows] = [["0.001", "0.01", "0.1", "1"], ["1", "2", "5"]];
  payload.sweep = {
    sentences: ["Chosen by the validation set: depth 2 and learning rate 0.01."],
    columns: { name: "learning rate", values: columns }, rows: { name: "depth", values: rows },
    cells: rows.flatMap((_, row) => columns.map((_, column) => ({
      row, column, accuracy: column === 3 ? null : 0.9 + row / 50 - column / 100,
      works: 2, stalled: column === 2 ? 1 : 0, diverged: column === 3 ? 3 : 0,
      best: row === 1 && column === 1, ...(row ? { href: `run-${row}-${column}/report.html` } : {}),
    }))),
  };
}

export type Make = ReturnType<typeof maker>;

function maker() {
  const blocks = new Map<string, string>();
  const make = (dtype: Exclude<DType, "float16">, shape: number[], values: number[]): ArrayRef => {
    const { buffer } = ARRAYS[dtype].from(values);
    const block = `b${blocks.size}`;
    blocks.set(block, base64(new Uint8Array(buffer)));
    return { block, dtype, shape };
  };
  return Object.assign(make, { blocks });
}

export function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function pictures(wanted: Wanted, labels: number[], make: Make): NonNullable<Samples["pictures"]> {
  const [size, perRow, perSheet] = [28, 32, 1024];
  const sheets: string[] = [];
  for (let first = 0; first < labels.length; first += perSheet) {
    const own = labels.slice(first, first + perSheet);
    const width = perRow * size;
    const height = Math.ceil(own.length / perRow) * size;
    const grey = new Uint8Array(width * height);
    own.forEach((label, i) => {
      for (let t = 0; t < 60; t++) {
        const angle = (t / 60) * Math.PI * (1 + label / 4);
        const x = Math.round(14 + 8 * Math.cos(angle + label));
        const y = Math.round(14 + 9 * Math.sin(angle * (1 + (label % 3))));
        grey[(Math.floor(i / perRow) * size + y) * width + (i % perRow) * size + x] = 255;
      }
    });
    const block = `sheet${sheets.length}`;
    make.blocks.set(block, wanted.png!(width, height, grey));
    sheets.push(block);
  }
  return { width: size, height: size, perRow, perSheet, sheets, ink: true };
}

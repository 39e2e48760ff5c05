/** Payloads of made-up runs, for tests and for looking at the page without a training. */

import type {
  ArrayRef, DType, Finding, Layer, Network, Op, Payload, Run, Samples, Snapshot, Timed,
} from "../src/payload";

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
  uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
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
    classes: { names, light: colours(TEN), dark: colours(TEN_DARK) },
    samples,
    others: { count: 30, part: "training sample",
      labels: make("int16", [30], Array.from({ length: 30 }, (_, i) => i % classes)),
      positions: make("int32", [30], [...Array(30).keys()].map((i) => 100 + i)) },
    runs: Array.from({ length: wanted.runs ?? 1 }, (_, r) =>
      run(wanted, r, labels, make)),
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

type Make = ReturnType<typeof maker>;

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

function run(wanted: Wanted, index: number, labels: number[], make: Make): Run {
  const { classes = 10, layers: depth = 6, snapshots: steps = 5 } = wanted;
  const random = randomOf(10 + index);
  const normal = () => random() + random() + random() + random() - 2;
  const count = labels.length;
  const moving = Math.min(count, wanted.moving ?? count);
  const noise = labels.map(() => [normal(), normal()] as const);
  const layers: Layer[] = Array.from({ length: depth }, (_, l) => ({
    name: l === 0 ? "input" : l === depth - 1 ? "output" : `hidden${l}`,
    units: 100,
    accuracy: Array.from({ length: steps }, (_, s) => share(l, s, depth, steps)),
  }));
  const snapshots: Snapshot[] = Array.from({ length: steps }, (_, s) => (
    { epoch: 2 * s, ...(s ? {} : { label: "untrained" }), accuracy: share(depth - 1, s, depth, steps) }));
  const turn = Array.from({ length: depth }, () => random() * 6);
  const position = (basis: number, s: number, l: number, i: number): number[] => {
    const apart = share(l, s, depth, steps) ** 3;
    const angle = (2 * Math.PI * labels[i]!) / classes + turn[l]! + basis;
    const size = 5000 + 7000 * (1 - apart);
    return [
      18000 * apart * Math.cos(angle) + size * noise[i]![0],
      18000 * apart * Math.sin(angle) + size * noise[i]![1],
    ].map((v) => Math.max(-32767, Math.min(32767, Math.round(v))));
  };
  const all = [...Array(count).keys()];
  const timed = (dtype: "uint8" | "uint16" | "int16", of: (s: number, i: number) => number): Timed => ({
    ...(steps > 1 && { before: make(dtype, [steps - 1, moving],
      all.slice(0, steps - 1).flatMap((s) => all.slice(0, moving).map((i) => of(s, i)))) }),
    last: make(dtype, [count], all.map((i) => of(steps - 1, i))),
  });
  const wrong = (s: number, i: number) => (i * 7919) % 100 > 97 * share(depth - 1, s, depth, steps);
  const answer = (s: number, i: number) => (wrong(s, i) ? (labels[i]! + 1 + (i % (classes - 1 || 1))) % classes : labels[i]!);
  const confusion = Array.from({ length: steps }, (_, s) => {
    const counts = new Array<number>(classes * classes).fill(0);
    for (const i of all.slice(0, s === steps - 1 ? count : moving)) {
      counts[labels[i]! * classes + answer(s, i)]! += 1;
    }
    return counts;
  }).flat();
  const pairSamples = all.filter((i) => labels[i]! < 2);
  const epochs = snapshots.map(({ epoch }) => epoch);
  return {
    name: `run ${index + 1}`,
    accuracy: { value: 0.979, low: 0.976, high: 0.982, right: Math.round(0.979 * count), of: count,
      words: "test samples" },
    settings: [["depth", String(depth - 2)]],
    layers, snapshots,
    bases: ["principal", "discriminant", "fixed"].map((id, b) => ({
      id, label: id, title: `The ${id} axes of each layer.`,
      positions: {
        ...(steps > 1 && { before: make("int16", [steps - 1, depth - 1, moving, 2],
          all.slice(0, steps - 1).flatMap((s) => layers.slice(1).flatMap((_, l) =>
            all.slice(0, moving).flatMap((i) => position(b, s, l + 1, i))))) }),
        last: make("int16", [depth, count, 2], layers.flatMap((_, l) =>
          all.flatMap((i) => position(b, steps - 1, l, i)))),
      },
      shows: snapshots.map((_, s) => layers.map((_, l) => 0.2 + share(l, s, depth, steps) / 4)),
      showsWord: b === 1 ? "separates" : "shows",
    })),
    answers: timed("int16", answer),
    confidence: timed("uint16", (s, i) => Math.round(65535 * (wrong(s, i) ? 0.6 : 0.9 + (i % 100) / 1000))),
    readings: make("int16", [depth, count], layers.flatMap((_, l) =>
      all.map((i) => (l < i % depth ? (labels[i]! + 1) % classes : labels[i]!)))),
    settled: make("int8", [count], all.map((i) => i % depth)),
    recall: make("float32", [steps, depth, classes], snapshots.flatMap((_, s) =>
      layers.flatMap((_, l) => Array.from({ length: classes }, (_, c) =>
        Math.min(1, share(l, s, depth, steps) + (c % 3) / 50))))),
    recallOf: snapshots.map((_, s) => (s === steps - 1 ? count : moving)),
    confusion: make("int32", [steps, classes, classes], confusion),
    confusionOf: snapshots.map((_, s) => (s === steps - 1 ? count : moving)),
    pairs: classes < 2 ? [] : [{
      classes: [0, 1], confused: 24, of: pairSamples.length,
      byLayer: layers.map((_, l) => 0.1 / (l + 1)),
      samples: make("int32", [pairSamples.length], pairSamples),
      along: make("int16", [depth, pairSamples.length], layers.flatMap((_, l) =>
        pairSamples.map((i) => Math.round((labels[i] ? 10000 : -10000)
          + noise[i]![0] * 9000 / (1 + l / 2))))),
    }],
    findings: findings(classes),
    charts: [
      { id: "loss", title: "Loss", x: { label: "epoch" }, y: { label: "loss / nats", log: true },
        cursor: true, lines: [
          { name: "batches", pale: true, x: Array.from({ length: 200 }, (_, i) => (i / 200) * epochs.at(-1)!),
            y: Array.from({ length: 200 }, (_, i) => Math.exp(-i / 60) + random() / 10) },
          { name: "train", x: epochs, y: epochs.map((e) => Math.exp(-e / 2.5)) },
          { name: "validation", x: epochs, y: epochs.map((e) => 0.05 + Math.exp(-e / 2.5)) },
        ] },
      { id: "gradients", title: "Gradient norms", x: { label: "epoch" },
        y: { label: "gradient norm", log: true }, cursor: true,
        lines: layers.slice(1).map(({ name }, l) => ({ name, x: epochs,
          y: epochs.map((e) => (l + 1) * Math.exp(-e / 5)) })) },
    ],
    ...(index === 0 && { network: network(wanted, layers, make) }),
    ...(wanted.kind === "plane" && { regions: regions(classes, steps, make) }),
  };
}

function regions(classes: number, steps: number, make: Make): NonNullable<Run["regions"]> {
  const size = 60;
  const cells = [...Array(steps * size * size).keys()].map((i) => i % (size * size));
  const angle = (i: number) => Math.atan2(size / 2 - Math.floor(i / size), (i % size) - size / 2);
  return {
    layer: 0,
    answers: make("uint8", [steps, size, size], cells.map((i) =>
      (Math.round((angle(i) / (2 * Math.PI)) * classes) + classes) % classes)),
    confidence: make("uint8", [steps, size, size], cells.map((i) =>
      200 + Math.round(55 * Math.cos(classes * angle(i))))),
  };
}

const share = (l: number, s: number, depth: number, steps: number) =>
  0.5 + 0.48 * ((l + 1) / depth) * (steps > 1 ? 0.3 + (0.7 * s) / (steps - 1) : 1);

function findings(classes: number): Finding[] {
  const one = (kind: string, headline: string, button: string, link: string): Finding => ({
    kind, headline, detail: "It was counted on all of them, and says so here.",
    certainty: "counted", evidence: {}, button, link });
  return [
    one("errors", "2.1 % of 600 test samples are misclassified.", "12 errors", "m=errors&c=error"),
    ...(classes > 1 ? [one("pair", "0 and 1 are confused: 24 of 130 samples.", "0 and 1 confused",
      "m=pair:0.1&p=0.1")] : []),
    one("suspect", "6 labels are suspicious.", "6 suspicious labels", "m=suspects&s=suspects"),
    { kind: "neural collapse", headline: "Neural collapse is not reached.", detail: "",
      certainty: "rule of thumb", evidence: {} },
  ];
}

/** An identity of small size with a real forward pass. */
function network(wanted: Wanted, layers: Layer[], make: Make): Network {
  const { classes = 10, kind = "pictures" } = wanted;
  const inputs = kind === "pictures" ? 784 : kind === "plane" ? 2 : 4;
  const random = randomOf(5);
  const weights = (rows: number, columns: number) => make("float32", [rows, columns],
    Array.from({ length: rows * columns }, () => (random() - 0.5) / Math.sqrt(rows)));
  const ops: Op[] = [
    { op: "scale", offset: make("float32", [1], [0]), divisor: make("float32", [1], [255]) },
    { op: "read", layer: 0 },
  ];
  let width = inputs;
  layers.slice(1).forEach((_, l) => {
    const next = l === layers.length - 2 ? classes : 16;
    ops.push({ op: "linear", weights: weights(width, next) });
    if (next === 16) ops.push({ op: "activation", name: "relu" });
    ops.push({ op: "read", layer: l + 1 });
    width = next;
  });
  const sizes = [inputs, ...layers.slice(1).map((_, l) => (l === layers.length - 2 ? classes : 16))];
  const plane = sizes.map((size) => ({ axes: weights(size, 2), offset: [0, 0] as [number, number] }));
  return {
    ops, probabilities: false,
    input: kind === "pictures"
      ? { kind: "picture", height: 28, width: 28, paper: 0, ink: 255, centred: true }
      : { kind: "features", features: Array.from({ length: inputs }, (_, i) => (
        { name: ["x", "y", "height", "weight"][i]!, minimum: 0, maximum: 10, middle: 5 })) },
    planes: { principal: plane, discriminant: plane, fixed: plane },
  };
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

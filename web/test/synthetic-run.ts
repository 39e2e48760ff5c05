/** A made-up run over made-up samples: layers that separate classes ever better. */

import type {
  Finding, Layer, Network, Op, Run, Snapshot, Timed,
} from "../src/payload";
import { randomOf, type Make, type Wanted } from "./synthetic";

export function madeRun(wanted: Wanted, index: number, labels: number[], make: Make): Run {
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
    })),
    answers: timed("int16", answer),
    confidence: timed("uint16", (s, i) => Math.round(65535 * (wrong(s, i) ? 0.6 : 0.9 + (i % 100) / 1000))),
    readings: make("int16", [depth, count], layers.flatMap((_, l) =>
      all.map((i) => (l < i % depth ? (labels[i]! + 1) % classes : labels[i]!)))),
    settled: make("int16", [count], all.map((i) => i % depth)),
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
      { id: "loss", title: "Loss", y: { label: "loss / nats", log: true },
        lines: [
          { name: "batches", pale: true, x: Array.from({ length: 200 }, (_, i) => (i / 200) * epochs.at(-1)!),
            y: Array.from({ length: 200 }, (_, i) => Math.exp(-i / 60) + random() / 10) },
          { name: "train", x: epochs, y: epochs.map((e) => Math.exp(-e / 2.5)) },
          { name: "validation", x: epochs, y: epochs.map((e) => 0.05 + Math.exp(-e / 2.5)) },
        ] },
      { id: "gradients", title: "Gradient norms", y: { label: "gradient norm", log: true },
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
        { name: ["x", "y", "height", "weight"][i]!, minimum: 0, maximum: 10, middle: 5, step: 0.05 })) },
    planes: { principal: plane, discriminant: plane, fixed: plane },
  };
}

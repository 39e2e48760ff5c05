/** The one thing that is computed here: what a network makes of one row. */

import type { Blocks, Numbers } from "./blocks";
import type { Activation, Feature, Network, Op, PictureInput } from "./payload";
import type { Own, Store } from "./store";

export interface Pass {
  /** Outputs of each layer that a "read" names. */
  layers: (Float64Array | undefined)[];
  output: Float64Array;
  probabilities: number[];
  answer: number;
}

/** Pass one unscaled row through. */
export function forward(network: Network, blocks: Blocks, row: ArrayLike<number>): Pass {
  let x: Float64Array = Float64Array.from(row);
  const layers: Pass["layers"] = [];
  const kept: Float64Array[] = [];
  for (const op of network.ops) {
    if (op.op === "read") layers[op.layer] = x;
    else if (op.op === "keep") kept.push(x);
    else if (op.op === "add") {
      const before = kept.pop()!;
      x = x.map((value, i) => value + before[i]!);
    }
    else x = applied(op, blocks, x);
  }
  const probabilities = [...(network.probabilities ? x : softmax(x))];
  const answer = x.indexOf(Math.max(...x));
  return { layers, output: x, probabilities, answer };
}

/** The inputs that features of these values make. */
export const inputsOf = (features: Feature[], values: number[]): number[] =>
  values.flatMap((value, i) => {
    const { spread, choices } = features[i]!;
    return spread ? choices!.map((_, at) => Number(at === value)) : value;
  });

/** Where a layer's outputs lie in the square of its view, -1 to 1 in both axes. */
export function placed(
  network: Network, blocks: Blocks, basis: string, layer: number, pass: Pass,
): [number, number] | null {
  const plane = network.planes[basis]?.[layer];
  const outputs = pass.layers[layer];
  if (!plane || !outputs) return null;
  const axes = blocks.array(plane.axes);
  let [x, y] = plane.offset;
  outputs.forEach((value, unit) => {
    x += value * axes[2 * unit]!;
    y += value * axes[2 * unit + 1]!;
  });
  return Number.isFinite(x + y) ? [x, y] : null;
}

/** What run 0 makes of a row: its answer, and where it lies in each layer's view. */
export function ownOf({ run, records, basisOf }: Store, row: ArrayLike<number>): Own | null {
  const network = run?.network;
  if (!network) return null;
  const pass = forward(network, records.blocks, row);
  const basis = basisOf(0)?.id ?? "";
  return {
    places: run.layers.map((_, layer) => placed(network, records.blocks, basis, layer, pass)),
    answer: pass.answer,
    probabilities: pass.probabilities,
  };
}

type Mapping = Exclude<Op, { op: "read" | "keep" | "add" }>;

function applied(op: Mapping, blocks: Blocks, x: Float64Array): Float64Array {
  switch (op.op) {
    case "scale": {
      const offset = blocks.array(op.offset);
      const divisor = blocks.array(op.divisor);
      const at = (values: Numbers, i: number) => values[values.length > 1 ? i : 0]!;
      return x.map((value, i) => (value - at(offset, i)) / at(divisor, i));
    }
    case "linear": return linear(op, blocks, x);
    case "activation": return activated(op.name, op.slope ?? 0.01, x);
    case "layernorm": {
      const gain = blocks.array(op.gain);
      const shift = blocks.array(op.shift);
      const mean = total(x) / x.length;
      const variance = total(x.map((value) => (value - mean) ** 2)) / x.length;
      const scale = 1 / Math.sqrt(variance + op.epsilon);
      return x.map((value, i) => gain[i]! * (value - mean) * scale + shift[i]!);
    }
  }
}

function linear(
  op: Op & { op: "linear" }, blocks: Blocks, x: Float64Array,
): Float64Array {
  const weights = blocks.array(op.weights);
  const units = op.weights.shape[1] ?? 0;
  const y = op.biases ? Float64Array.from(blocks.array(op.biases))
    : new Float64Array(units);
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    if (value === 0) continue;
    for (let unit = 0, at = i * units; unit < units; unit++, at++) {
      y[unit]! += value * weights[at]!;
    }
  }
  return y;
}

const C = Math.sqrt(2 / Math.PI);

const FUNCTIONS: Record<Exclude<Activation, "softmax">,
  (x: number, slope: number) => number> = {
  relu: (x) => Math.max(x, 0),
  "leaky-relu": (x, slope) => (x > 0 ? x : slope * x),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(C * (x + 0.044715 * x ** 3))),
  identity: (x) => x,
};

function activated(name: Activation, slope: number, x: Float64Array): Float64Array {
  if (name === "softmax") return softmax(x);
  return x.map((value) => FUNCTIONS[name](value, slope));
}

export function softmax(x: Float64Array): Float64Array {
  const most = Math.max(...x);
  const powers = x.map((value) => Math.exp(value - most));
  const sum = total(powers);
  return powers.map((value) => value / sum);
}

const total = (x: Float64Array) => x.reduce((sum, value) => sum + value, 0);

/** A drawing (0 to 1) as the network's training pictures are: fitted into the middle
 * and centred on its mass, as those of MNIST were. */
export function centred(ink: Float64Array, size: PictureInput): Float64Array {
  const { width, height } = size;
  let [left, right, top, bottom] = [width, -1, height, -1];
  ink.forEach((value, i) => {
    if (value < 0.05) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  });
  if (right < 0) return ink;
  const scale = (Math.max(right - left, bottom - top) + 1)
    / ((20 / 28) * Math.min(width, height));
  const fitted = resampled(ink, size, scale,
    (left + right) / 2 - ((width - 1) / 2) * scale,
    (top + bottom) / 2 - ((height - 1) / 2) * scale);
  const mass = total(fitted) || 1;
  let [mx, my] = [0, 0];
  fitted.forEach((value, i) => {
    mx += (value * (i % width)) / mass;
    my += (value * Math.floor(i / width)) / mass;
  });
  return resampled(fitted, size, 1,
    Math.round(mx - (width - 1) / 2), Math.round(my - (height - 1) / 2));
}

/** The picture whose pixel (x, y) is read at (dx + scale x, dy + scale y), bilinearly. */
function resampled(
  ink: Float64Array, { width, height }: PictureInput, scale: number, dx: number,
  dy: number,
): Float64Array {
  const at = (x: number, y: number) =>
    (x < 0 || y < 0 || x >= width || y >= height ? 0 : ink[y * width + x]!);
  return Float64Array.from({ length: width * height }, (_, i) => {
    const x = dx + scale * (i % width);
    const y = dy + scale * Math.floor(i / width);
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const [fx, fy] = [x - x0, y - y0];
    return (at(x0, y0) * (1 - fx) + at(x0 + 1, y0) * fx) * (1 - fy)
      + (at(x0, y0 + 1) * (1 - fx) + at(x0 + 1, y0 + 1) * fx) * fy;
  });
}

import { expect, test } from "vitest";
import type { Blocks } from "../src/blocks";
import { centred, forward, inputsOf, placed, softmax } from "../src/forward";
import type { ArrayRef, Network, Op } from "../src/payload";

const held = new Map<string, Float32Array>();
const blocks: Blocks = { array: ({ block }) => held.get(block)!, text: () => "" };

function ref(shape: number[], ...values: number[]): ArrayRef {
  const block = `b${held.size}`;
  held.set(block, Float32Array.from(values));
  return { block, dtype: "float32", shape };
}

function networkOf(...ops: Op[]): Network {
  return { ops, probabilities: false, planes: {},
    input: { kind: "features", features: [] } };
}

const outputs = (row: number[], ...ops: Op[]) =>
  [...forward(networkOf(...ops), blocks, row).output];

test("scaling takes one number for all, or one for each", () => {
  expect(outputs([3, 5], { op: "scale", offset: ref([1], 1), divisor: ref([1], 2) }))
    .toEqual([1, 2]);
  expect(outputs([3, 5], { op: "scale", offset: ref([2], 1, 3), divisor: ref([2], 2, 4) }))
    .toEqual([1, 0.5]);
});

test("a choice is an input for each of its names, or one", () => {
  const features = [{ name: "town", middle: 0, choices: ["Bern", "Rome"], spread: true },
    { name: "age", middle: 0 }, { name: "paid", middle: 0, choices: ["no", "yes"] }];
  expect(inputsOf(features, [1, 40, 1])).toEqual([0, 1, 40, 1]);
  expect(inputsOf(features, [NaN, 40, 0])).toEqual([0, 0, 40, 0]);
});

test("a linear layer is x W + b", () => {
  expect(outputs([1, 2], { op: "linear", weights: ref([2, 3], 1, 2, 3, 4, 5, 6),
    biases: ref([3], 1, 0, -1) })).toEqual([10, 12, 14]);
});

test.each([
  ["relu", [0, 2]], ["leaky-relu", [-0.01, 2]], ["identity", [-1, 2]],
  ["tanh", [-0.7615941559, 0.9640275801]], ["sigmoid", [0.2689414214, 0.8807970780]],
  ["gelu", [-0.1588080094, 1.9545976941]], ["softmax", [0.0474258732, 0.9525741268]],
] as const)("%s", (name, expected) => {
  outputs([-1, 2], { op: "activation", name }).forEach((value, i) =>
    expect(value).toBeCloseTo(expected[i]!, 9));
});

test("layer normalisation has mean 0 and variance 1 before gain and shift", () => {
  const [a, b] = outputs([1, 3], { op: "layernorm", gain: ref([2], 2, 1), shift: ref([2], 0, 5),
    epsilon: 0 });
  expect([a, b]).toEqual([-2, 6]);
});

test("what is kept is added", () => {
  expect(outputs([1, 2], { op: "keep" }, { op: "scale", offset: ref([1], 0), divisor: ref([1], 0.5) },
    { op: "add" })).toEqual([3, 6]);
});

test("layers are read on the way and placed in their view", () => {
  const axes = ref([2, 2], 0.5, 0, 0, 0.25);
  const network = { ...networkOf({ op: "read", layer: 0 }, { op: "activation", name: "relu" },
    { op: "read", layer: 1 }), planes: { fixed: [{ axes, offset: [0.1, 0] as [number, number] }, null] } };
  const pass = forward(network, blocks, [1, -2]);
  expect(pass.layers.map((values) => [...values!])).toEqual([[1, -2], [1, 0]]);
  expect(placed(network, blocks, "fixed", 0, pass)).toEqual([0.6, -0.5]);
  expect(placed(network, blocks, "fixed", 1, pass)).toBeNull();
  expect(placed(network, blocks, "constructor", 0, pass)).toBeNull();
});

test("the answer is the largest output; large ones do not overflow", () => {
  const pass = forward(networkOf(), blocks, [900, 1000]);
  expect(pass.answer).toBe(1);
  expect([...softmax(Float64Array.of(900, 1000))][1]).toBeCloseTo(1, 12);
});

test("a small drawing in a corner is fitted into the middle", () => {
  const size = { kind: "picture" as const, width: 28, height: 28, paper: 0, ink: 1, centred: true };
  const ink = new Float64Array(784);
  for (let y = 2; y < 12; y++) for (let x = 1; x < 4; x++) ink[28 * y + x] = 1;
  const seen = centred(ink, size);
  const rows = [...seen.keys()].filter((i) => seen[i]! > 0.5).map((i) => Math.floor(i / 28));
  expect(Math.max(...rows) - Math.min(...rows) + 1).toBeGreaterThanOrEqual(18);
  expect((Math.max(...rows) + Math.min(...rows)) / 2).toBeCloseTo(13.5, 0);
});

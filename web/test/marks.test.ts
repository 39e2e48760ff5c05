import { expect, test } from "vitest";
import { maskOf, type Mark } from "../src/marks";
import { positionsAt, readingsOf, settledOf, valuesAt } from "../src/records";
import { recordsFor } from "./pages";

const records = recordsFor({ count: 300, moving: 100 });
const run = records.payload.runs[0]!;
const LAST = 4;

function marked(mark: Mark, snapshot = LAST): number[] {
  const mask = maskOf([mark], records, run, snapshot)!;
  return [...mask.keys()].filter((i) => mask[i]);
}

const all = [...Array(300).keys()];
const answers = (snapshot: number) => valuesAt(records, run, run.answers!, snapshot);

test("nothing is marked without marks", () => {
  expect(maskOf([], records, run, LAST)).toBeNull();
});

test("errors are where answer and label differ, at the snapshot shown", () => {
  const wrong = (at: number) => (i: number) => answers(at)[i] !== records.labels[i];
  expect(marked({ kind: "errors", at: [] })).toEqual(all.filter(wrong(LAST)));
  expect(marked({ kind: "errors", at: [] }, 1)).toEqual(all.slice(0, 100).filter(wrong(1)));
  expect(marked({ kind: "errors", at: [] }, 1).length).toBeGreaterThan(0);
});

test("a cell has its label and its answer", () => {
  const [first] = marked({ kind: "errors", at: [] });
  const [label, answer] = [records.labels[first!]!, answers(LAST)[first!]!];
  const found = marked({ kind: "cell", at: [label, answer] });
  expect(found).toContain(first);
  expect(found).toEqual(all.filter((i) => records.labels[i] === label
    && answers(LAST)[i] === answer));
});

test("what a layer's probe misses of a class", () => {
  const found = marked({ kind: "missed", at: [2, 3] });
  expect(found).toEqual(all.filter((i) => records.labels[i] === 3
    && readingsOf(records, run, i)[2] !== 3));
  expect(found.length).toBeGreaterThan(0);
});

test("what a layer settles, and what is below a confidence", () => {
  expect(marked({ kind: "settled", at: [2] }))
    .toEqual(all.filter((i) => settledOf(records, run, i) === 2));
  const sure = valuesAt(records, run, run.confidence!, LAST);
  expect(marked({ kind: "unsure", at: [80] }))
    .toEqual(all.filter((i) => sure[i]! < 0.8 * 65535));
});

test("pairs, classes, suspects and chosen samples", () => {
  expect(marked({ kind: "pair", at: [4, 9] }))
    .toEqual(all.filter((i) => [4, 9].includes(records.labels[i]!)));
  expect(marked({ kind: "class", at: [7] }))
    .toEqual(all.filter((i) => records.labels[i] === 7));
  expect(marked({ kind: "suspects", at: [] })).toEqual([0, 1, 2, 3, 4, 5]);
  expect(marked({ kind: "samples", at: [9, 2] })).toEqual([2, 9]);
});

test("a lasso holds the points in it, of the layer and snapshot it was drawn in", () => {
  const lasso: Mark = { kind: "lasso", at: [0, 0, 1, 3,
    0, -1100, 1100, -1100, 1100, 1100, 0, 1100] };
  const xy = positionsAt(records, run, run.bases[0]!, 1, 3);
  // Only the first hundred have a place at that snapshot.
  const right = all.slice(0, 100).filter((i) => xy[2 * i]! > 0);
  expect(marked(lasso)).toEqual(right);
  expect(right.length).toBeGreaterThan(10);
});

test("the input stands still, the other layers move", () => {
  const at = (snapshot: number, layer: number) =>
    [...positionsAt(records, run, run.bases[0]!, snapshot, layer)].slice(0, 200);
  expect(at(0, 0)).toEqual(at(LAST, 0));
  expect(at(0, 1)).not.toEqual(at(LAST, 1));
  expect(at(1, 5)).not.toEqual(at(1, 4));
});

test("several marks are one set", () => {
  const mask = maskOf([{ kind: "class", at: [1] }, { kind: "class", at: [2] }], records,
    run, LAST)!;
  expect(all.filter((i) => mask[i]))
    .toEqual(all.filter((i) => [1, 2].includes(records.labels[i]!)));
});

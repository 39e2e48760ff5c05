import { expect, test } from "vitest";
import { readLink, writeLink, type View } from "../src/link";
import { recordsFor } from "./pages";

const START: View = {
  snapshot: 4, basis: 0, colour: "class", marks: [], focus: -1, hidden: [], pair: null,
  layers: [], section: null,
};

test("a view goes into a link and comes back", () => {
  const records = recordsFor({ kind: "table" });
  const view: View = {
    snapshot: 2, basis: 1, colour: "column:1", focus: 17, hidden: [0, 3], pair: [4, 9],
    layers: [1, 5], section: null,
    marks: [
      { kind: "cell", at: [4, 9] }, { kind: "errors", at: [] },
      { kind: "missed", at: [2, 3] }, { kind: "settled", at: [-1] },
      { kind: "samples", at: [3, 5, 8] },
      { kind: "lasso", at: [0, 1, 2, 4, -1000, -1000, 1000, -1000, 0, 900] },
    ],
  };
  const { section: _, ...kept } = view;
  expect(readLink(`#${writeLink(view, records)}`, records)).toEqual(kept);
});

test("the view at the start has an empty link", () => {
  expect(writeLink(START, recordsFor())).toBe("");
});

test.each([
  ["e", "5"], ["e", "-1"], ["e", "1e1"], ["e", ""], ["e", "NaN"], ["e", "0x1"],
  ["b", "toString"], ["b", "../principal"], ["c", "column:99"], ["c", "__proto__"],
  ["c", "<img src=x onerror=alert(1)>"], ["f", "200"], ["f", "99999999999"],
  ["p", "4"], ["p", "4.9.1"], ["p", "0.10"], ["s", "constructor"], ["s", "app"],
  ["__proto__", "1"], ["constructor", "1"], ["e%", "1"], ["e", "%E0%A4%A"],
])("%s=%s says nothing", (key, value) => {
  expect(readLink(`#${key}=${value}`, recordsFor())).toEqual({});
});

test.each([
  "cell:4", "cell:4.10", "cell:4.-1", "pair:0.99", "class:10", "missed:6.0", "errors:1",
  "settled:6", "unsure:0", "unsure:101", "samples:200", "samples:", "constructor",
  "__proto__", "lasso:0.0.0.0.1.2.3", "lasso:1.0.0.0.1.2.3.4.5.6",
  "lasso:0.9.0.0.1.2.3.4.5.6", "lasso:0.0.0.0.1.2.3.4.5.6.7",
  "lasso:0.0.0.0.1.2.3.4.5.99999", `samples:${Array(300).fill(1).join(".")}`,
])("m=%s marks nothing", (mark) => {
  expect(readLink(`#m=${mark}`, recordsFor()).marks).toEqual([]);
});

test("what is wrong is left out, what is right stays", () => {
  const view = readLink("#e=2&b=nothing&m=cell:4.9+pair:0.99&h=1.77.2&l=2.2.99",
    recordsFor());
  expect(view).toEqual({
    snapshot: 2, marks: [{ kind: "cell", at: [4, 9] }], hidden: [1, 2], layers: [2],
  });
});

test("a link as long as a book is read in no time, and says nothing", () => {
  expect(readLink(`#h=${"9999.".repeat(100_000)}`, recordsFor())).toEqual({ hidden: [] });
});

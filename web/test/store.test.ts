import { expect, test } from "vitest";
import { csv, sampleRows } from "../src/save";
import { scaleOf, spread, steps } from "../src/scale";
import { shownLayers } from "../src/store";
import { chance, count, number, percent, tick } from "../src/wording";
import { storeFor } from "./pages";

test("marking greys the others in every layer, hiding takes a class out", () => {
  const store = storeFor();
  store.mark({ kind: "class", at: [3] });
  store.toggle(5);
  const { labels } = store.records;
  expect([...store.roles]).toEqual(
    [...labels].map((label) => (label === 5 ? 0 : label === 3 ? 2 : 1)));
  store.mark(null);
  store.toggle(5);
  expect(new Set(store.roles)).toEqual(new Set([2]));
});

test("a second mark replaces the first, with shift it adds", () => {
  const store = storeFor();
  store.mark({ kind: "class", at: [3] });
  store.mark({ kind: "class", at: [4] });
  expect(store.marks).toHaveLength(1);
  store.mark({ kind: "class", at: [5] }, true);
  expect(store.marks).toHaveLength(2);
});

test("a finding sets the view; a mark of the reader's own ends it", () => {
  const store = storeFor();
  const finding = store.run!.findings[0]!;
  store.show(finding);
  expect(store.colour).toBe("error");
  expect(store.marks).toEqual([{ kind: "errors", at: [] }]);
  expect(store.link).toBe("c=error&m=errors");
  store.mark({ kind: "class", at: [1] });
  expect(store.finding).toBeNull();
});

test("what one finding coloured, and when, another does not keep", () => {
  const store = storeFor();
  const [errors, pair] = store.run!.findings;
  store.show({ ...errors!, link: "e=0&c=error" });
  expect(store.snapshot).toBe(0);
  store.show(pair!);
  expect(store.link).toBe("m=pair:0.1&p=0.1");
});

test("a link that is followed starts anew", () => {
  const store = storeFor();
  store.follow("#e=1&c=error&f=3");
  store.follow("#b=fixed");
  expect(store.link).toBe("b=fixed");
});

test("runs of other lengths are at the same share of their training", () => {
  const store = storeFor({ runs: 2 });
  store.runs[1]!.snapshots = store.runs[1]!.snapshots.slice(0, 3);
  store.time = 2;
  expect(store.timeOf(1)).toBe(1);
  expect(store.timeOf(0)).toBe(2);
});

test.each([
  [3, [], [0, 1, 2]], [6, [], [0, 1, 2, 3, 4, 5]], [30, [], [0, 6, 12, 17, 23, 29]],
  [30, [4, 40, 7], [4, 7]], [0, [], []],
])("of %i layers, %j chosen, these are shown", (layers, chosen, expected) => {
  expect(shownLayers(layers, chosen, 6)).toEqual(expected);
});

test("marked samples are saved with their rows", () => {
  const store = storeFor({ kind: "table", classNames: ["a,b", 'q"', ..."cdefghij"] });
  const rows = sampleRows(store.records, store.run!, store.last, [0, 7]);
  expect(rows[0]).toEqual(["part", "sample", "file", "row", "label", "answer", "confidence", "length",
    "width", "height", "weight", "town"]);
  expect(rows[2]!.slice(0, 4)).toEqual(["test sample", "21", "test.csv", "22"]);
  expect(rows).toHaveLength(3);
  const town = store.array(store.samples!.columns![4]!.values)[7]!;
  expect(rows[2]!.at(-1)).toBe(["Bern", "Oslo", "Rome"][town]);
  expect(rows[2]!.at(-2)).toBe(String(store.array(store.samples!.columns![3]!.values)[7]));
});

test("commas, quotes and lines in cells stay in their cells", () => {
  expect(csv([["a,b", 'q"', "c\nd", "e"]])).toBe('"a,b","q""","c\nd",e\r\n');
});

test("a scale goes there and back; what a logarithm has not is left out", () => {
  const scale = scaleOf([0, 1, 100], 0, 10, true)!;
  expect(scale(10)).toBeCloseTo(5);
  expect(scale.invert(5)).toBeCloseTo(10);
  expect(scale.ticks).toContain(10);
  expect(scaleOf([NaN, 0], 0, 1, true)).toBeNull();
  expect(scaleOf([3, 3], 0, 10)!(3)).toBe(5);
});

test("ticks are round", () => {
  expect(steps(0, 10, 4)).toEqual([0, 5, 10]);
  expect(steps(0.93, 0.99, 4)).toEqual([0.94, 0.96, 0.98]);
});

test("names that would lie over each other are moved apart, in order", () => {
  expect(spread([10, 11, 12], 5, 0, 100)).toEqual([10, 15, 20]);
  expect(spread([99, 98], 5, 0, 100)).toEqual([100, 95]);
});

test.each([[0, "0"], [999, "999"], [1000, "1,000"], [1234567, "1,234,567"], [-1000, "-1,000"]])(
  "%i is written %s", (n, written) => {
    expect(count(n)).toBe(written);
  });

test.each([[0.123456, "0.1235"], [12345, "12,350"], [1.5e-9, "1.5e-9"], [Infinity, "–"]])(
  "%d is written %s in four digits", (value, written) => {
    expect(number(value)).toBe(written);
  });

test.each([[300000, "300k"], [2.5e6, "2.5e+6"], [1e12, "1e+12"], [0.00001, "1e-5"], [0, "0"],
  [9000, "9000"], [-20000, "-20k"]])("%d at a tick is %s", (value, written) => {
  expect(tick(value)).toBe(written);
});

test.each([[0.72, "72.0 %"], [1, "> 99.9 %"], [0, "< 0.1 %"]])(
  "a probability of %d is written %s", (share, written) => {
    expect(chance(share)).toBe(written);
  });

test.each([[0.979, "97.9 %"], [1, "100 %"], [0.99999, "99.999 %"], [0.9996, "99.96 %"], [0.0004, "0.04 %"], [0, "0 %"], [1e-9, "< 0.001 %"], [1 - 1e-9, "> 99.999 %"], [0.5, "50.0 %"], [NaN, "–"], [null, "–"]])(
  "%d is written %s", (share, written) => {
    expect(percent(share)).toBe(written);
  });

import { expect, test } from "vitest";
import { between, cameraFor, WHOLE } from "../src/paint/camera";
import { contrast, DARK, errorGround, LIGHT, mixed, pixelOf, ramp, rgbOf, textOn, type Rgb }
  from "../src/paint/colours";
import { inside, nearest, simplified, towards } from "../src/paint/hit";
import { labelsOf } from "../src/paint/labels";
import { DRAWN, FAINT, frameOf, HIDDEN, paint, stampOf } from "../src/paint/points";
import { pixelsOf, tintOf } from "../src/paint/tint";
import { valuesAt } from "../src/records";
import { recordsFor } from "./pages";

const SIZE = 21;

function painted(points: number[], roles: number[], extra: object = {}): Map<number, number> {
  const target = new Uint32Array(SIZE * SIZE);
  const scene = { from: Int16Array.from(points), share: 0, roles: Uint8Array.from(roles),
    pixels: Uint32Array.from(roles, (_, i) => 0xff000001 + i), faint: 0xff0000ff, ink: 0xff000099, ...extra };
  const stamp = { dx: Int8Array.of(0), dy: Int8Array.of(0), cover: Uint8Array.of(255), reach: 0 };
  paint(target, SIZE, SIZE, frameOf(SIZE, SIZE, 0), scene, { faint: stamp, drawn: stamp });
  return new Map([...target.entries()].filter(([, value]) => value));
}

test("a point is painted where it is, y upwards", () => {
  const at = (x: number, y: number) => y * SIZE + x;
  expect(painted([0, 0], [DRAWN])).toEqual(new Map([[at(11, 11), 0xff000001]]));
  expect([...painted([-30000, 30000], [DRAWN]).keys()]).toEqual([at(1, 1)]);
});

test("hidden points are not painted; faint ones lie below", () => {
  expect(painted([0, 0, 0, 0], [DRAWN, FAINT]).size).toBe(1);
  expect([...painted([0, 0, 0, 0], [DRAWN, FAINT]).values()]).toEqual([0xff000001]);
  expect(painted([0, 0], [HIDDEN]).size).toBe(0);
});

test("an edge lies under the point that it is of, and under no faint one", () => {
  const target = new Uint32Array(SIZE * SIZE);
  const scene = { from: Int16Array.of(0, 0, -20000, 0), share: 0, ink: 0xff000099,
    roles: Uint8Array.of(DRAWN, FAINT), pixels: Uint32Array.of(0xff0000aa, 0), faint: 0xff0000ff };
  paint(target, SIZE, SIZE, frameOf(SIZE, SIZE, 0), scene,
    { faint: stampOf(0.5, true), drawn: stampOf(0.5, true), edge: stampOf(1, true) });
  const painted = [...target].filter((pixel) => pixel);
  expect(painted.filter((pixel) => pixel === scene.ink)).toHaveLength(4);
  expect(painted).toContain(0xff0000aa);
  expect(painted.filter((pixel) => pixel === scene.faint).length).toBeGreaterThan(0);
});

test("half way between two snapshots a point is half way", () => {
  const moved = painted([-20000, 0], [DRAWN], { to: Int16Array.of(20000, 0), share: 0.5 });
  expect([...moved.keys()]).toEqual([...painted([0, 0], [DRAWN]).keys()]);
});

test("points that would reach beyond the edge are left out, not wrapped around", () => {
  const target = new Uint32Array(SIZE * SIZE);
  const scene = { from: Int16Array.of(30000, 0), share: 0, roles: Uint8Array.of(DRAWN),
    pixels: Uint32Array.of(0xffffffff), faint: 0, ink: 0 };
  paint(target, SIZE, SIZE, frameOf(SIZE, SIZE, 0), scene,
    { faint: stampOf(2), drawn: stampOf(2) });
  expect([...target].filter((_, i) => i % SIZE < 3).every((v) => v === 0)).toBe(true);
});

test("points that have drawn together are magnified, others are not", () => {
  const square = [-1, -1, 1, -1, -1, 1, 1, 1];
  const at = (x: number, y: number, size: number) =>
    cameraFor(Int16Array.from(square.map((v, i) => (i % 2 ? y : x) + v * size)));
  expect(at(0, 0, 20000)).toBe(WHOLE);
  expect(at(10000, -5000, 1000)).toEqual({ x: 10000, y: -5000, half: 1200 });
  expect(at(0, 0, 0).half).toBeCloseTo(32767 / 60);
  expect(cameraFor(new Int16Array())).toBe(WHOLE);
});

test("a few points far out do not keep a view from being magnified", () => {
  const xy = new Int16Array(4000);
  xy.set([30000, 30000]);
  for (let i = 2; i < 4000; i++) xy[i] = i % 2000;
  expect(cameraFor(xy).half).toBeLessThan(2000);
});

test("a camera on its way passes through sizes evenly by their ratio", () => {
  const near = { x: 100, y: 0, half: 327.67 };
  expect(between(WHOLE, near, 0.5)).toMatchObject({ x: 50, half: expect.closeTo(3276.7) });
  expect(between(near, near, 0.5)).toBe(near);
});

test("what a camera shows fills the view", () => {
  const frame = frameOf(100, 100, 0, { x: 1000, y: 500, half: 50 });
  expect([frame.left + 1050 * frame.scale, frame.top - 450 * frame.scale]).toEqual([100, 100]);
});

test("a stamp's middle is covered, its edge in part", () => {
  const { dx, dy, cover } = stampOf(1.2);
  const at = (x: number, y: number) => cover[[...dx].findIndex((d, i) => d === x && dy[i] === y)];
  expect(at(0, 0)).toBe(255);
  expect(at(1, 1)).toBeGreaterThan(0);
  expect(at(1, 1)).toBeLessThan(255);
});

test("inside a polygon, concave too", () => {
  const shape = [-10, -10, 10, -10, 10, 10, 0, 0, -10, 10];
  const xy = Int16Array.of(0, -5, 0, 5, 8, 7, 20, 0, -9, 8);
  expect([...inside(xy, shape)]).toEqual([1, 0, 1, 0, 1]);
  expect([...inside(xy, [0, 0, 1, 1])]).toEqual([0, 0, 0, 0, 0]);
});

test("the nearest point that is shown, within reach", () => {
  const xy = Int16Array.of(0, 0, 10, 0, 100, 0);
  expect(nearest(xy, Uint8Array.of(1, 1, 1), 7, 0, 50)).toBe(1);
  expect(nearest(xy, Uint8Array.of(1, 0, 1), 7, 0, 50)).toBe(0);
  expect(nearest(xy, Uint8Array.of(1, 1, 1), 60, 0, 20)).toBe(-1);
});

test("arrow keys go to the nearest point in their direction", () => {
  const xy = Int16Array.of(0, 0, 10, 2, -10, 0, 0, 30);
  const shown = Uint8Array.of(1, 1, 1, 1);
  expect(towards(xy, shown, 0, 1, 0)).toBe(1);
  expect(towards(xy, shown, 0, -1, 0)).toBe(2);
  expect(towards(xy, shown, 0, 0, 1)).toBe(3);
  expect(towards(xy, shown, 0, 0, -1)).toBe(-1);
});

test("a long path keeps its shape in few corners", () => {
  const path = Array.from({ length: 1000 }, (_, i) => 20000 * Math.cos(i / 159)).flatMap(
    (x, i) => [x, 20000 * Math.sin(i / 159)]);
  const kept = simplified(path);
  expect(kept.length).toBeLessThanOrEqual(160);
  expect(Math.max(...kept)).toBe(610);
});

test("text can be read on every ground", () => {
  const grounds: Rgb[] = [];
  for (let i = 0; i <= 100; i++) {
    grounds.push(ramp(i / 100), errorGround(i / 100, LIGHT), errorGround(i / 100, DARK));
    grounds.push(mixed(LIGHT.paper, LIGHT.wrong, i / 100), mixed(DARK.paper, DARK.wrong, i / 100));
  }
  for (const ground of grounds) {
    expect(contrast(ground, rgbOf(textOn(ground)))).toBeGreaterThanOrEqual(4.5);
  }
});

test("a hex colour as a pixel has its bytes in the canvas' order", () => {
  expect(new Uint8Array(Uint32Array.of(pixelOf(rgbOf("#123456"))).buffer))
    .toEqual(Uint8Array.of(0x12, 0x34, 0x56, 255));
});

test("classes are named at the outer edge of their points", () => {
  const from = Int16Array.of(100, 0, 140, 0, -100, 0, -140, 0);
  const scene = { from, share: 0, roles: Uint8Array.of(2, 2, 2, 2),
    pixels: new Uint32Array(4), faint: 0, ink: 0 };
  const [left, right] = labelsOf(scene, Int16Array.of(0, 0, 1, 1), ["a", "b"]);
  expect([left!.name, right!.name]).toEqual(["a", "b"]);
  expect(left!.x).toBeGreaterThan(140);
  expect(right!.x).toBeLessThan(-140);
  const faint = { ...scene, roles: Uint8Array.of(2, 2, 1, 1) };
  const [only, ...others] = labelsOf(faint, Int16Array.of(0, 0, 1, 1), ["a", "b"]);
  // Outside of all points, not only of those in colour.
  expect(others).toEqual([]);
  expect(only).toMatchObject({ name: "a", dx: 1 });
  expect(only!.x).toBeGreaterThan(140);
});

test("colours follow the errors of the snapshot shown", () => {
  const records = recordsFor();
  const run = records.payload.runs[0]!;
  for (const snapshot of [1, 4]) {
    const pixels = pixelsOf(records, tintOf(records, run, "error", snapshot, LIGHT, []));
    const answers = valuesAt(records, run, run.answers!, snapshot);
    const expected = [...records.labels].map((label, i) =>
      pixelOf(answers[i] === label ? LIGHT.right : LIGHT.wrong));
    expect([...pixels]).toEqual(expected);
  }
});

test("by class each sample has its class's colour, beside columns too", () => {
  const records = recordsFor({ kind: "table" });
  const { light } = records.payload.classes;
  const tint = tintOf(records, records.payload.runs[0]!, "class", 4, LIGHT, light);
  expect(tint.key).toBeNull();
  expect([...pixelsOf(records, tint)])
    .toEqual([...records.labels].map((label) => pixelOf(rgbOf(light[label]!))));
});

test("a column of words has a colour for each, one of numbers a scale", () => {
  const records = recordsFor({ kind: "table" });
  const run = records.payload.runs[0]!;
  const { light } = records.payload.classes;
  const words = tintOf(records, run, "column:4", 4, LIGHT, light);
  expect(new Set(pixelsOf(records, words)).size).toBe(3);
  expect(words.key).toMatchObject(
    { names: [{ name: "Bern" }, { name: "Oslo" }, { name: "Rome" }] });
  const numbers = tintOf(records, run, "column:0", 4, LIGHT, light);
  const { array } = records.blocks;
  const values = array(records.payload.samples!.columns![0]!.values);
  expect(numbers.key).toMatchObject({ low: String(Number(Math.min(...values).toPrecision(3))) });
  const pixels = pixelsOf(records, numbers);
  const least = values.indexOf(Math.min(...values));
  expect(pixels[least]).toBe(pixelOf(ramp(0)));
});

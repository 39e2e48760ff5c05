import { expect, test } from "vitest";
import { blocksOf, bytesOf, halfToFloat } from "../src/blocks";
import { base64 } from "./synthetic";

const holding = (bytes: ArrayBufferLike) => blocksOf(() => base64(new Uint8Array(bytes)));

test("arrays come back as they were written", () => {
  const values = Int16Array.of(-32767, 0, 5, 32767);
  const blocks = holding(values.buffer);
  expect(blocks.array({ block: "b", dtype: "int16", shape: [2, 2] })).toEqual(values);
});

test("an array of another size than its shape is refused", () => {
  const blocks = holding(Uint8Array.of(1, 2, 3).buffer);
  expect(() => blocks.array({ block: "b", dtype: "uint8", shape: [2] }))
    .toThrow("block b has 3 values, not 2");
});

test("a block that the page lacks is named", () => {
  expect(() => blocksOf(() => null).text("sheet0")).toThrow("the page has no block sheet0");
});

test.each([
  [0x3c00, 1], [0xc000, -2], [0x3555, 0.333251953125], [0x0001, 2 ** -24],
  [0x7bff, 65504], [0x0000, 0], [0x7c00, Infinity],
])("half precision %i is %d", (bits, value) => {
  expect(halfToFloat(bits)).toBe(value);
});

test("halves that are no numbers are none", () => {
  expect(halfToFloat(0x7e00)).toBeNaN();
});

test("base64 is decoded with and without the browser's own way", () => {
  const native = Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array };
  const before = native.fromBase64;
  const bytes = Uint8Array.of(0, 255, 128, 7);
  delete native.fromBase64;
  expect(bytesOf(base64(bytes))).toEqual(bytes);
  native.fromBase64 = () => Uint8Array.of(9);
  expect(bytesOf("")).toEqual(Uint8Array.of(9));
  delete native.fromBase64;
  if (before) native.fromBase64 = before;
});

/** Arrays out of the page: base64 to typed arrays, each decoded once. */

import type { ArrayRef } from "./payload";

export type Numbers =
  | Uint8Array | Uint16Array | Int16Array | Int32Array | Float32Array;

export interface Blocks {
  /** The array that `ref` names, row-major. Throws where it is not as it says. */
  array(ref: ArrayRef): Numbers;
  /** The text of an element, such as a PNG's base64. */
  text(id: string): string;
}

export function blocksOf(text: (id: string) => string | null | undefined): Blocks {
  const decoded = new Map<string, Numbers>();
  const found = (id: string) => {
    const content = text(id);
    if (content == null) throw new Error(`the page has no block ${id}`);
    return content.trim();
  };
  return {
    text: found,
    array(ref) {
      let values = decoded.get(ref.block);
      if (!values) {
        values = typed(ref, bytesOf(found(ref.block)));
        decoded.set(ref.block, values);
      }
      return values;
    },
  };
}

function typed(ref: ArrayRef, bytes: Uint8Array): Numbers {
  const values = viewed(ref, bytes);
  const expected = ref.shape.reduce((product, size) => product * size, 1);
  if (values.length !== expected) {
    throw new Error(`block ${ref.block} has ${values.length} values, not ${expected}`);
  }
  return values;
}

function viewed(ref: ArrayRef, { buffer }: Uint8Array): Numbers {
  switch (ref.dtype) {
    case "uint8": return new Uint8Array(buffer);
    case "uint16": return new Uint16Array(buffer);
    case "int16": return new Int16Array(buffer);
    case "int32": return new Int32Array(buffer);
    case "float32": return new Float32Array(buffer);
    case "float16": return Float32Array.from(new Uint16Array(buffer), halfToFloat);
  }
}

/** The number whose sixteen bits (IEEE 754 binary16) these are. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

type Decoder = { fromBase64?: (text: string) => Uint8Array };

export function bytesOf(base64: string): Uint8Array {
  const native = (Uint8Array as unknown as Decoder).fromBase64;
  if (native) return native.call(Uint8Array, base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

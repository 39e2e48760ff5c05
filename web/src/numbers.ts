/** Small arithmetic. */

export const clamp = (value: number, low: number, high: number) =>
  Math.max(low, Math.min(high, value));

/** 0, 1, … below `size`. */
export const range = (size: number) => [...Array(size).keys()];

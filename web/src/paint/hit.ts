/** Which points lie in a polygon, and which is nearest: plain passes are fast enough. */

import { clamp } from "../numbers";

/** Ones for the points (x, y of each) inside the polygon (x, y of each corner). */
export function inside(xy: Int16Array, polygon: readonly number[]): Uint8Array {
  const hits = new Uint8Array(xy.length / 2);
  const corners = Float64Array.from(polygon);
  const size = corners.length;
  if (size < 6) return hits;
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let c = 0; c < size; c += 2) {
    left = Math.min(left, corners[c]!);
    right = Math.max(right, corners[c]!);
    low = Math.min(low, corners[c + 1]!);
    high = Math.max(high, corners[c + 1]!);
  }
  for (let i = 0; i < hits.length; i++) {
    const x = xy[2 * i]!;
    const y = xy[2 * i + 1]!;
    if (x < left || x > right || y < low || y > high) continue;
    let odd = 0;
    for (let a = size - 2, b = 0; b < size; a = b, b += 2) {
      const ya = corners[a + 1]!;
      const yb = corners[b + 1]!;
      if (ya > y === yb > y) continue;
      const xa = corners[a]!;
      if (x < xa + ((y - ya) / (yb - ya)) * (corners[b]! - xa)) odd ^= 1;
    }
    hits[i] = odd;
  }
  return hits;
}

/** The nearest point that `shown` has, within `reach`; -1 where there is none. */
export function nearest(
  xy: Int16Array, shown: Uint8Array, x: number, y: number, reach: number,
): number {
  let found = -1;
  let least = reach * reach;
  const points = Math.min(xy.length / 2, shown.length);
  for (let i = 0; i < points; i++) {
    const dx = xy[2 * i]! - x;
    const dy = xy[2 * i + 1]! - y;
    const distance = dx * dx + dy * dy;
    if (distance < least && shown[i]) {
      least = distance;
      found = i;
    }
  }
  return found;
}

/** The nearest point in a direction from a sample, for arrow keys; -1: none there. */
export function towards(
  xy: Int16Array, shown: Uint8Array, from: number, dx: number, dy: number,
): number {
  const x = xy[2 * from] ?? 0;
  const y = xy[2 * from + 1] ?? 0;
  let found = -1;
  let least = Infinity;
  const points = Math.min(xy.length / 2, shown.length);
  for (let i = 0; i < points; i++) {
    if (i === from || !shown[i]) continue;
    const along = (xy[2 * i]! - x) * dx + (xy[2 * i + 1]! - y) * dy;
    const across = Math.abs((xy[2 * i]! - x) * dy + (xy[2 * i + 1]! - y) * dx);
    if (along <= 0 || across > along) continue;
    const cost = along + 2 * across;
    if (cost < least) {
      least = cost;
      found = i;
    }
  }
  return found;
}

/** A drawn path with at most `most` corners, in whole thousandths of the square. */
export function simplified(path: readonly number[], most = 80): number[] {
  const points = path.length / 2;
  const step = Math.max(1, points / most);
  const kept: number[] = [];
  for (let p = 0; p < points; p += step) {
    const i = 2 * Math.floor(p);
    kept.push(Math.round(path[i]! / 32.767), Math.round(path[i + 1]! / 32.767));
  }
  return kept.map((n) => clamp(n, -1100, 1100));
}

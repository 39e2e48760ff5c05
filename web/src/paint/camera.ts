/** Which part of the square a view shows: all of it, or where the points are if they have
 * drawn together, as those of a deep network's last layers may. */

import { clamp } from "../numbers";
import type { Basis, Run } from "../payload";
import { positionsAt, type Records } from "../records";

export interface Camera {
  /** The middle of what is shown, and half its side. */
  x: number;
  y: number;
  half: number;
}

const EDGE = 32767;
export const WHOLE: Camera = { x: 0, y: 0, half: EDGE };

/** Points that fill more than this share of the square's side are shown in all of it;
 * none are magnified more than so many times: places are whole numbers. */
const SMALL = 0.45;
const MOST = 60;

/** Points looked at, and the share of them beyond either end that may lie outside. */
const SAMPLED = 1500;
const OUTSIDE = 0.005;

export function cameraFor(xy: Int16Array): Camera {
  const [left, right] = ends(xy, 0);
  const [low, high] = ends(xy, 1);
  const half = 0.6 * Math.max(right - left, high - low);
  if (!(half < SMALL * EDGE)) return WHOLE;
  return { x: (left + right) / 2, y: (low + high) / 2, half: Math.max(half, EDGE / MOST) };
}

/** The camera of each view at each snapshot, looked for once. */
export function camerasOf(records: Records) {
  const made = new WeakMap<Basis, Map<string, Camera>>();
  return (run: Run, basis: Basis, layer: number, snapshot: number): Camera => {
    // Where decision regions are drawn, the view is theirs.
    if (run.regions?.layer === layer) return WHOLE;
    const own = made.get(basis) ?? new Map<string, Camera>();
    made.set(basis, own);
    const key = `${layer}.${snapshot}`;
    const camera = own.get(key)
      ?? cameraFor(positionsAt(records, run, basis, snapshot, layer));
    own.set(key, camera);
    return camera;
  };
}

function ends(xy: Int16Array, axis: number): [number, number] {
  const step = Math.max(1, Math.floor(xy.length / 2 / SAMPLED));
  const values: number[] = [];
  for (let i = axis; i < xy.length; i += 2 * step) values.push(xy[i]!);
  values.sort((a, b) => a - b);
  const at = (share: number) => values[clamp(Math.round(share * (values.length - 1)), 0, values.length - 1)]!;
  return [at(OUTSIDE), at(1 - OUTSIDE)];
}

/** On the way from one to another: sizes by their ratio, so that it looks even. */
export function between(a: Camera, b: Camera, share: number): Camera {
  if (a === b) return a;
  return {
    x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share,
    half: a.half * (b.half / a.half) ** share,
  };
}

/** Times larger than where all of the square is shown. */
export const zoomOf = ({ half }: Camera) => EDGE / half;

/** Points as pixels: one pass writes all of a view, faster than any drawing call. */

import { clamp } from "../numbers";
import { WHOLE, type Camera } from "./camera";

/** What a sample is in the views at present. */
export const HIDDEN = 0;
export const FAINT = 1;
export const DRAWN = 2;

export interface Scene {
  /** x, y of each sample in the square -32767 … 32767; where they are going, if they
   * move, and how far on the way they are. */
  from: Int16Array;
  to?: Int16Array | undefined;
  share: number;
  /** `HIDDEN`, `FAINT` or `DRAWN`, and the pixel of each. */
  roles: Uint8Array;
  pixels: Uint32Array;
  faint: number;
  ink: number;
}

export interface Stamp {
  /** Offsets and coverage (0 to 255) of the pixels of one point. */
  dx: Int8Array;
  dy: Int8Array;
  cover: Uint8Array;
  reach: number;
}

/** A disc of this radius in pixels; its edge is smooth, or quick to paint. */
export function stampOf(radius: number, quick = false): Stamp {
  const reach = Math.ceil(radius + 0.5);
  const dx: number[] = [];
  const dy: number[] = [];
  const cover: number[] = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const covered = clamp(radius + 0.5 - Math.hypot(x, y), 0, 1);
      if (covered < (quick ? 0.5 : 0.1)) continue;
      dx.push(x);
      dy.push(y);
      cover.push(quick ? 255 : Math.round(255 * covered));
    }
  }
  return {
    dx: Int8Array.from(dx), dy: Int8Array.from(dy), cover: Uint8Array.from(cover), reach,
  };
}

/** Radius in CSS pixels for so many points in a square of this side. */
export const radiusFor = (points: number, side: number) =>
  clamp(side * Math.sqrt(0.055 / (Math.PI * Math.max(1, points))), 1.15, 4.5);

/** From the square to a view: a point is at (left + scale x, top - scale y). */
export interface Frame {
  left: number;
  top: number;
  scale: number;
}

/** What the camera shows, in the middle of a view with a margin for the points' size. */
export function frameOf(
  width: number, height: number, margin: number, camera: Camera = WHOLE,
): Frame {
  const side = Math.max(1, Math.min(width, height) - 2 * margin);
  const scale = side / (2 * camera.half);
  return {
    left: width / 2 - camera.x * scale, top: height / 2 + camera.y * scale, scale,
  };
}

/** The square's side. */
export const SPAN = 65534;

export interface Stamps {
  faint: Stamp;
  drawn: Stamp;
  /** Under what is drawn, in ink: so that a few are seen among many. */
  edge?: Stamp | undefined;
}

/** Paint the scene into pixels; those that are not covered stay as they are. */
export function paint(
  target: Uint32Array, width: number, height: number, frame: Frame, scene: Scene,
  stamps: Stamps,
): void {
  const { left, top, scale } = frame;
  const { from, to, share, roles, pixels, faint, ink } = scene;
  const points = Math.min(from.length / 2, to ? to.length / 2 : Infinity, roles.length);
  for (let role = FAINT; role <= DRAWN; role++) {
    const stamp = role === FAINT ? stamps.faint : stamps.drawn;
    const edge = role === DRAWN ? stamps.edge : undefined;
    const { reach } = edge ?? stamp;
    for (let i = 0; i < points; i++) {
      if (roles[i] !== role) continue;
      let x = from[2 * i]!;
      let y = from[2 * i + 1]!;
      if (to) {
        x += (to[2 * i]! - x) * share;
        y += (to[2 * i + 1]! - y) * share;
      }
      const column = Math.round(left + x * scale);
      const row = Math.round(top - y * scale);
      if (column < reach || row < reach) continue;
      if (column >= width - reach || row >= height - reach) continue;
      const centre = row * width + column;
      if (edge) put(target, width, centre, ink, edge);
      put(target, width, centre, role === FAINT ? faint : pixels[i]!, stamp);
    }
  }
}

function put(
  target: Uint32Array, width: number, centre: number, pixel: number, stamp: Stamp,
): void {
  const { dx, dy, cover } = stamp;
  for (let k = 0; k < cover.length; k++) {
    const at = centre + dy[k]! * width + dx[k]!;
    const part = cover[k]!;
    target[at] = part === 255 ? pixel : blended(target[at]!, pixel, part);
  }
}

/** Two channels at a time: red and blue, then green. */
function blended(under: number, over: number, part: number): number {
  const rest = 255 - part;
  const rb = (((under & 0xff00ff) * rest + (over & 0xff00ff) * part) >>> 8) & 0xff00ff;
  const g = (((under & 0xff00) * rest + (over & 0xff00) * part) >>> 8) & 0xff00;
  return (0xff000000 | rb | g) >>> 0;
}

/** Paint what the network answers between the samples of a 2-D set, under its points. */
export function paintGround(
  target: Uint32Array, width: number, height: number, frame: Frame,
  size: number, pixels: Uint32Array,
): void {
  const step = size / (SPAN * frame.scale);
  const [left, top] = [frame.left - (SPAN / 2) * frame.scale, frame.top - (SPAN / 2) * frame.scale];
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y - top) * step);
    if (row < 0 || row >= size) continue;
    for (let x = 0; x < width; x++) {
      const column = Math.floor((x - left) * step);
      if (column < 0 || column >= size) continue;
      target[y * width + x] = pixels[row * size + column]!;
    }
  }
}

/** Names of classes at the outer edge of their points, so that dense middles are seen. */

import { clamp } from "../numbers";
import { hexOf, mixed, rgbOf, type Theme } from "./colours";
import { DRAWN, HIDDEN, type Frame, type Scene } from "./points";

export interface Label {
  label: number;
  name: string;
  /** In the square, and the direction from the middle of all points. */
  x: number;
  y: number;
  dx: number;
  dy: number;
}

/** Of fewer drawn points than this share a class is not named. */
const FEWEST = 0.015;

/** Labels of the classes of which points are drawn in colour. */
export function labelsOf(
  scene: Scene, labels: Int16Array, names: readonly string[],
): Label[] {
  const classes = names.length;
  const sums = new Float64Array(5 * classes);
  const { from, to, share, roles } = scene;
  const points = Math.min((to ?? from).length / 2, from.length / 2);
  let [cx, cy, seen, all] = [0, 0, 0, 0];
  for (let i = 0; i < points; i++) {
    if (roles[i] === HIDDEN) continue;
    const x = from[2 * i]! + (to ? (to[2 * i]! - from[2 * i]!) * share : 0);
    const y = from[2 * i + 1]! + (to ? (to[2 * i + 1]! - from[2 * i + 1]!) * share : 0);
    cx += x;
    cy += y;
    seen += 1;
    if (roles[i] !== DRAWN) continue;
    const at = 5 * labels[i]!;
    sums[at]! += 1;
    sums[at + 1]! += x;
    sums[at + 2]! += y;
    sums[at + 3]! += x * x;
    sums[at + 4]! += y * y;
    all += 1;
  }
  const found: Label[] = [];
  for (let label = 0; label < classes; label++) {
    const [n, sx, sy, sxx, syy] = sums.subarray(5 * label, 5 * label + 5);
    // A name beside a handful of many points would only cover the others.
    if (!n || n < FEWEST * all) continue;
    const [x, y] = [sx! / n, sy! / n];
    const [dx, dy] = [x - cx / seen, y - cy / seen];
    const length = Math.hypot(dx, dy) || 1;
    const [ux, uy] = [dx / length, dy / length];
    const spread = Math.sqrt(
      ux * ux * Math.max(0, sxx! / n - x * x) + uy * uy * Math.max(0, syy! / n - y * y));
    found.push({ label, name: names[label]!, dx: ux, dy: uy,
      x: x + 1.9 * spread * ux, y: y + 1.9 * spread * uy });
  }
  return found;
}

/** So many pixels beyond the edge of the points. */
const BESIDE = 8;

/** Write them, pushed apart where they would lie over each other. */
export function writeLabels(
  context: CanvasRenderingContext2D, frame: Frame, labels: readonly Label[],
  ratio: number, theme: Theme, colours: readonly string[],
): void {
  const size = 12 * ratio;
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const boxes = labels.map(({ label, name, x, y, dx, dy }) => {
    const text = name.length > 12 ? `${name.slice(0, 11)}…` : name;
    return {
      text, label, half: context.measureText(text).width / 2 + 2 * ratio,
      x: frame.left + x * frame.scale + BESIDE * ratio * dx,
      y: frame.top - y * frame.scale - BESIDE * ratio * dy,
    };
  });
  apart(boxes, size * 1.05);
  context.lineJoin = "round";
  context.lineWidth = 3.5 * ratio;
  context.strokeStyle = hexOf(theme.paper);
  for (const { text, label, half, x, y } of boxes) {
    const left = clamp(x, half, context.canvas.width - half);
    const top = clamp(y, size / 2, context.canvas.height - size / 2);
    context.strokeText(text, left, top);
    context.fillStyle = hexOf(mixed(rgbOf(colours[label] ?? "#888888"), theme.ink, 0.55));
    context.fillText(text, left, top);
  }
}

interface Box {
  half: number;
  x: number;
  y: number;
}

function apart(boxes: Box[], height: number): void {
  for (let round = 0; round < 4; round++) {
    for (const [i, a] of boxes.entries()) {
      for (const b of boxes.slice(i + 1)) {
        const across = a.half + b.half - Math.abs(a.x - b.x);
        const down = height - Math.abs(a.y - b.y);
        if (across <= 0 || down <= 0) continue;
        if (across < down) {
          const push = (a.x < b.x ? -across : across) / 2;
          a.x += push;
          b.x -= push;
        } else {
          const push = (a.y < b.y ? -down : down) / 2;
          a.y += push;
          b.y -= push;
        }
      }
    }
  }
}

/** What pointers and keys do in a view: find a point, draw around points, step. */

import { range } from "../numbers";
import { nearest, simplified, towards } from "../paint/hit";
import { SPAN } from "../paint/points";
import { viewFrame } from "../paint/view";
import type { ViewParts } from "./Scatter";

export interface Drawn {
  /** x, y of a lasso's corners so far. */
  path: number[];
  /** Of the circle around the ring, in the square's units; 0: not shown. */
  radius: number;
}

const REACH = 12;
const STEPS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
};

export function handlersOf({ store, index, layer, size, drawn }: ViewParts) {
  const points = () => store.placesOf(index, layer);
  const frame = () => viewFrame(store, index, layer, size.value);
  let started: [number, number] | null = null;

  const place = (event: PointerEvent): [number, number] => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const { left, top, scale } = frame();
    return [
      (event.clientX - box.left - left) / scale, (top - (event.clientY - box.top)) / scale,
    ];
  };
  const reach = () => REACH / frame().scale;
  const radius = () => drawn.value.radius || 20 / frame().scale;
  const at = (event: PointerEvent) =>
    nearest(points(), store.roles, ...place(event), reach());
  const draws = (event: PointerEvent) => event.pointerType !== "touch" || store.drawing;

  const mark = (polygon: number[], add: boolean) => store.mark({ kind: "lasso",
    at: [index, store.basis, store.snapshotOf(index), layer, ...polygon] }, add);

  /** Nothing is pinned yet: begin at the point nearest to the middle. */
  function step(dx: number, dy: number): void {
    const xy = points();
    const known = store.focus >= 0 && 2 * store.focus < xy.length;
    const next = known ? towards(xy, store.roles, store.focus, dx, dy)
      : nearest(xy, store.roles, 0, 0, 2 * SPAN);
    if (next >= 0) store.focus = next;
  }

  function around(add: boolean): void {
    const xy = points();
    const sample = store.focus;
    if (sample < 0 || 2 * sample >= xy.length) return;
    const around = radius();
    const circle = range(24).flatMap((i) => [
      xy[2 * sample]! + around * Math.cos((Math.PI * i) / 12),
      xy[2 * sample + 1]! + around * Math.sin((Math.PI * i) / 12),
    ]);
    drawn.value = { path: [], radius: around };
    mark(simplified(circle), add);
  }

  return {
    onPointerDown(event: PointerEvent) {
      if (event.button !== 0 || !draws(event) || store.moving) return;
      started = [event.clientX, event.clientY];
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      drawn.value = { path: place(event), radius: 0 };
    },
    onPointerMove(event: PointerEvent) {
      if (store.moving) return;
      if (started) drawn.value = { path: [...drawn.value.path, ...place(event)], radius: 0 };
      else if (event.pointerType !== "touch") store.hover = at(event);
    },
    onPointerUp(event: PointerEvent) {
      const tapped = !started
        || Math.hypot(event.clientX - started[0], event.clientY - started[1]) < 4
          && drawn.value.path.length < 12;
      const { path } = drawn.value;
      started = null;
      drawn.value = { path: [], radius: 0 };
      if (store.moving) return;
      if (tapped) store.focus = at(event);
      else if (path.length >= 6) mark(simplified(path), event.shiftKey);
    },
    onPointerCancel() {
      started = null;
      drawn.value = { path: [], radius: 0 };
    },
    onPointerLeave() {
      store.hover = -1;
    },
    onKeyDown(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const direction = STEPS[event.key];
      if (direction) step(...direction);
      else if (event.key === "Enter") step(0, 0);
      else if (event.key === "m" || event.key === "M") around(event.shiftKey);
      else if (event.key === "+" || event.key === "-") {
        const factor = event.key === "+" ? 1.3 : 1 / 1.3;
        drawn.value = { path: [], radius: Math.min(SPAN, radius() * factor) };
      } else return;
      event.preventDefault();
      event.stopPropagation();
    },
    onBlur() {
      drawn.value = { path: [], radius: 0 };
    },
  };
}

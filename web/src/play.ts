/** Time that passes: from snapshot to snapshot, and back to the start at the end. */

import { effect, untracked } from "@preact/signals-core";
import type { Store } from "./store";

/** From one snapshot to the next, in milliseconds. */
const STEP = 900;

export function playing(store: Store): void {
  effect(() => {
    if (!store.playing) return undefined;
    untracked(() => { if (store.time >= store.last) store.time = 0; });
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let before = performance.now();
    let request = requestAnimationFrame(function frame(now) {
      const steps = Math.min(0.2, (now - before) / STEP);
      // Who wants less motion sees one snapshot after the other.
      if (!still) store.time = Math.min(store.last, store.time + steps);
      else if (now - before >= STEP) {
        store.time = Math.min(store.last, Math.floor(store.time) + 1);
      }
      if (!still || now - before >= STEP) before = now;
      if (store.time >= store.last) store.playing = false;
      else request = requestAnimationFrame(frame);
    });
    return () => {
      cancelAnimationFrame(request);
      store.time = Math.round(store.time);
    };
  });
}

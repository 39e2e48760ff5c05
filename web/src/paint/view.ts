/** One layer's view: follows the store, paints once a frame at most. */

import { effect, type Signal } from "@preact/signals-core";
import type { Run } from "../payload";
import { knownAt, positionsAt, slice, snapshotsOf } from "../records";
import { eased, type Store } from "../store";
import { hexOf, mixed, pixelOf, rgbOf } from "./colours";
import { labelsOf, writeLabels } from "./labels";
import { DRAWN, frameOf, paint, paintGround, radiusFor, stampOf, type Scene, type Stamps } from "./points";

export interface Size {
  width: number;
  height: number;
}

export const MARGIN = 8;

/** From the square to a view of this size, in CSS pixels. */
export const viewFrame = (
  store: Store, index: number, layer: number, { width, height }: Size,
) => frameOf(width, height, MARGIN, store.cameraOf(index, layer));

const waiting = new Map<HTMLCanvasElement, () => void>();

/** Run once in the next frame, however often it is asked for. */
function inFrame(canvas: HTMLCanvasElement, draw: () => void): void {
  if (!waiting.size) requestAnimationFrame(paintNow);
  waiting.set(canvas, draw);
}

/** Paint what waits for the next frame, which paper has not. */
export function paintNow(): void {
  const all = [...waiting.values()];
  waiting.clear();
  for (const one of all) one();
  if (all.length) document.documentElement.dataset.ready = "";
}

/** Keep a canvas showing one layer of one run; returns what ends it. */
export function follow(
  store: Store, index: number, layer: number, canvas: HTMLCanvasElement,
  size: Signal<Size>,
): () => void {
  const run = store.runs[index]!;
  let image: ImageData | null = null;
  const end = effect(() => {
    const { width, height } = size.value;
    const scene = sceneOf(store, run, index, layer);
    if (!scene || width < 8 || height < 8) return;
    const theme = store.theme;
    const { moving } = store;
    const ratio = moving ? 1 : Math.min(3, window.devicePixelRatio || 1);
    const names = store.payload.classes.names;
    const colours = store.classColours;
    const ground = groundOf(store, run, index, layer);
    const camera = store.cameraOf(index, layer);
    inFrame(canvas, () => {
      const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== w) canvas.width = w;
      if (canvas.height !== h) canvas.height = h;
      const frame = frameOf(w, h, MARGIN * ratio, camera);
      const context = canvas.getContext("2d")!;
      if (image?.width !== w || image.height !== h) image = context.createImageData(w, h);
      const target = new Uint32Array(image.data.buffer);
      target.fill(pixelOf(theme.paper));
      if (ground) paintGround(target, w, h, frame, ground.size, ground.pixels);
      paint(target, w, h, frame, scene, stampsFor(scene, Math.min(width, height), ratio, moving));
      context.putImageData(image, 0, 0);
      if (names.length <= 20) {
        const labels = labelsOf(scene, store.records.labels, names);
        writeLabels(context, frame, labels, ratio, theme, colours);
      }
    });
  });
  return () => {
    waiting.delete(canvas);
    end();
  };
}

/** Of fewer points than this share each has an edge. */
const FEW = 0.05;

/** Few marked points among many are larger, so that they are seen. */
function stampsFor({ from, roles }: Scene, side: number, ratio: number, moving: boolean): Stamps {
  const points = from.length / 2;
  let drawn = 0;
  for (let i = 0; i < points; i++) if (roles[i] === DRAWN) drawn += 1;
  const radius = radiusFor(points, side);
  const larger = Math.min(2 * radius, radiusFor(drawn, side));
  return {
    faint: stampOf(radius * ratio, moving),
    drawn: stampOf(larger * ratio, moving),
    edge: drawn < FEW * points ? stampOf((larger + 0.8) * ratio, moving) : undefined,
  };
}

/** What is drawn at the store's time: between two snapshots, points on their way. */
function sceneOf(store: Store, run: Run, index: number, layer: number): Scene | null {
  const { records } = store;
  const basis = store.basisOf(index);
  if (!basis) return null;
  const time = store.timeOf(index);
  const at = Math.min(Math.floor(time), snapshotsOf(run) - 1);
  const from = positionsAt(records, run, basis, at, layer);
  const share = time - at;
  const shared = {
    roles: store.roles, pixels: store.pixels[index]!.value,
    faint: pixelOf(store.theme.faint), ink: pixelOf(store.theme.ink),
  };
  if (share === 0 || at + 1 >= snapshotsOf(run)) return { from, share: 0, ...shared };
  const known = 2 * knownAt(records, run, at);
  const to = positionsAt(records, run, basis, at + 1, layer).subarray(0, known);
  return { from, to, share: eased(share), ...shared };
}

function groundOf(store: Store, run: Run, index: number, layer: number) {
  const { regions } = run;
  if (!regions || regions.layer !== layer) return null;
  const snapshot = store.snapshotOf(index);
  const size = regions.answers.shape[1] ?? 0;
  const answers = slice(store.records, regions.answers, snapshot);
  const sure = slice(store.records, regions.confidence, snapshot);
  const theme = store.theme;
  const classes = store.classColours.map(rgbOf);
  const least = 1 / store.names.length;
  return {
    size,
    pixels: Uint32Array.from(answers, (answer, i) => {
      const share = Math.max(0, (sure[i]! / 255 - least) / (1 - least));
      return pixelOf(mixed(theme.paper, classes[answer] ?? theme.paper, 0.06 + 0.3 * share));
    }),
  };
}

export const paperOf = (store: Store) => hexOf(store.theme.paper);

/** The payload with its arrays at hand, by sample, layer and snapshot. */

import type { Blocks, Numbers } from "./blocks";
import type { ArrayRef, Basis, Pair, Payload, Run, Samples, SampleTable, Timed } from "./payload";

export interface Records {
  payload: Payload;
  blocks: Blocks;
  /** Shown samples; 0 where there are none. */
  count: number;
  labels: Int16Array;
  /** Index of the first run that has layers: of it are links, times and colours. */
  first: number;
}

export function recordsOf(payload: Payload, blocks: Blocks): Records {
  const { samples } = payload;
  const count = samples?.count ?? 0;
  const labels = samples?.labels
    ? Int16Array.from(blocks.array(samples.labels))
    : new Int16Array(count);
  const first = Math.max(0, payload.runs.findIndex(({ layers }) => layers.length));
  return { payload, blocks, count, labels, first };
}

export const snapshotsOf = (run: Run) => Math.max(1, run.snapshots.length);

/** How many samples are known at a snapshot: all at the last, those that move before. */
export function knownAt(records: Records, run: Run, snapshot: number): number {
  if (snapshot >= snapshotsOf(run) - 1) return records.count;
  return records.payload.samples?.moving ?? records.count;
}

/** One layer's positions at a snapshot: x, y of each known sample. */
export function positionsAt(
  records: Records, run: Run, basis: Basis, snapshot: number, layer: number,
): Int16Array {
  const { before, last } = basis.positions;
  const array = (ref: ArrayRef) => records.blocks.array(ref) as Int16Array;
  const start = 2 * layer * records.count;
  if (snapshot >= snapshotsOf(run) - 1 || !before) {
    return array(last).subarray(start, start + 2 * records.count);
  }
  const [, moved = 0, moving = 0] = before.shape;
  // The input, which is first where it is a layer, stands still.
  const row = layer - (run.layers.length - moved);
  if (row < 0) return array(last).subarray(start, start + 2 * moving);
  const from = 2 * moving * (snapshot * moved + row);
  return array(before).subarray(from, from + 2 * moving);
}

/** A value of each known sample at a snapshot: answers, or confidence. */
export function valuesAt(
  records: Records, run: Run, timed: Timed, snapshot: number,
): Numbers {
  const { before, last } = timed;
  if (snapshot < snapshotsOf(run) - 1 && before) {
    const size = before.shape[1] ?? 0;
    return part(records.blocks.array(before), snapshot * size, size);
  }
  return records.blocks.array(last);
}

export function part(values: Numbers, start: number, size: number): Numbers {
  return values.subarray(start, start + size);
}

/** The part of a (snapshots, …) array that is of one snapshot. */
export function slice(records: Records, ref: ArrayRef, snapshot: number): Numbers {
  const size = ref.shape.slice(1).reduce((product, n) => product * n, 1);
  return part(records.blocks.array(ref), snapshot * size, size);
}

/** What each layer's probe reads of a sample, where that is known. */
export function readingsOf(records: Records, run: Run, sample: number): number[] {
  if (!run.readings) return [];
  const values = records.blocks.array(run.readings);
  return run.layers.map((_, layer) => values[layer * records.count + sample] ?? -1);
}

export function readingsOfLayer(records: Records, run: Run, layer: number): Numbers | null {
  if (!run.readings) return null;
  return part(records.blocks.array(run.readings), layer * records.count, records.count);
}

export function settledOf(records: Records, run: Run, sample: number): number {
  return run.settled ? (records.blocks.array(run.settled)[sample] ?? -1) : -1;
}

/** Places in `others` of the training samples nearest to a sample. */
export function neighboursOf(records: Records, sample: number): number[] {
  const found = records.payload.samples?.neighbours;
  if (!found) return [];
  const row = records.blocks.array(found.of).indexOf(sample);
  if (row < 0) return [];
  const size = found.at.shape[1] ?? 0;
  return [...part(records.blocks.array(found.at), row * size, size)];
}

export function alongOf(records: Records, pair: Pair, layer: number): Numbers {
  const size = pair.along.shape[1] ?? 0;
  return part(records.blocks.array(pair.along), layer * size, size);
}

/** The row of a sample, and the file it is in, where that is known. */
export function sourceOf(
  { blocks }: Records, { source }: SampleTable, at: number,
): { file: string; row: number } | null {
  if (!source) return null;
  const which = source.file ? (blocks.array(source.file)[at] ?? 0) : 0;
  return { file: source.files[which] ?? "", row: blocks.array(source.row)[at] ?? 0 };
}

/** The columns of the shown samples. */
export const columnsOf = (samples: Samples | undefined) => samples?.columns ?? [];

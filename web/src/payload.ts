/**
 * What a page is made of: written by Python from finished records, read here and never
 * changed. The script computes no result from it, with one exception: the forward pass
 * of `network`, for samples that are drawn by hand.
 *
 * Small things are JSON. Arrays are blocks of base64 in elements of their own, named by
 * an `ArrayRef`, decoded when they are first asked for.
 */

import type { Network } from "./payload-network";
import type { SweepPart } from "./payload-sweep";

/** Version of this contract: a page and its script are written together. */
export const VERSION = 1;

export type * from "./payload-network";
export type * from "./payload-sweep";

export type DType =
  | "uint8" | "uint16" | "int16" | "int32" | "float32" | "float16";

/**
 * An array: row-major and little-endian, in `<script type="text/plain" id={block}>`.
 * NaN in float arrays means "not known".
 */
export interface ArrayRef {
  block: string;
  dtype: DType;
  shape: number[];
}

/**
 * Something known of every shown sample at every snapshot. The first `moving` samples
 * are known at all snapshots, the others at the last one only.
 */
export interface Timed {
  /** Shape (snapshots - 1, …, moving, …); absent where there is one snapshot only. */
  before?: ArrayRef;
  /** Shape (…, shown, …), at the last snapshot. */
  last: ArrayRef;
}

export type Kind = "report" | "compare" | "sweep";

export interface Payload {
  version: 1;
  kind: Kind;
  /** What was trained or inspected, such as "mnist": the title follows from it. */
  name: string;
  /** Plain text after the title, such as "784 → 100 → 10"; at most about 40 letters. */
  structure?: string;
  /** What `certainty` of findings means. */
  certainties: string;
  classes: ClassList;
  /** The shown samples; absent where no sample is shown (a sweep, a diverged run). */
  samples?: Samples;
  /** Samples of which no position is known: training neighbours, suspects not shown. */
  others?: SampleTable;
  /** One of a report; several of a comparison, over the same `samples`; none of a sweep. */
  runs: Run[];
  suspects?: Suspect[];
  /** What "The data" and the folded part at the end show, in this order. */
  tables: PageTable[];
  /** Settings, versions, command: one line each, folded at the end. */
  facts: [name: string, value: string][];
  sweep?: SweepPart;
}

export interface ClassList {
  names: string[];
  /** `#rrggbb` of each class, as in the figures, and the same made lighter for dark. At
   * least ten: lines of charts and values of columns take them in turn. */
  light: string[];
  dark: string[];
}

/** Facts of some samples. `count` of them; every array has that many entries. */
export interface SampleTable {
  count: number;
  /** Class index of each as labelled; int16. */
  labels?: ArrayRef;
  /** What they are, before a number: "test sample", "training sample", "row". */
  part: string;
  /** Each sample's number within that part, int32; shown with `part`. */
  positions: ArrayRef;
  /** Where they stand in what was read: a row from `from` on, and which file. */
  source?: { files: string[]; file?: ArrayRef; row: ArrayRef; from: 0 | 1 };
  pictures?: Pictures;
  /** Features and metadata, unscaled, at most 40: the card lists them. */
  columns?: Column[];
  /** A text for each sample, where the inputs are texts. */
  texts?: string[];
}

export interface Samples extends SampleTable {
  /** The first so many are known at every snapshot. */
  moving: number;
  /** How many samples were scored, of which these are shown. */
  scored: number;
  /** Nearest training samples of some: `of` (k,) int32 in shown, `at` (k, n) int32 in
   * `others`, nearest first. */
  neighbours?: { of: ArrayRef; at: ArrayRef };
}

/** Sheets of `perSheet` pictures, `perRow` beside each other, in order of the samples.
 * There may be fewer than samples: of the first ones. */
export interface Pictures {
  /** Of one picture in a sheet, in pixels. */
  width: number;
  height: number;
  perRow: number;
  perSheet: number;
  /** Ids of elements with the base64 of a PNG or JPEG. */
  sheets: string[];
  /** Grey pictures whose high values are ink: they are drawn dark on light in light. */
  ink: boolean;
}

export interface Column {
  name: string;
  role: "feature" | "metadata";
  /** float32; of a category an index into `levels`. */
  values: ArrayRef;
  /** Of a category, at most 200. */
  levels?: string[];
}

/** One trained network, or module, seen over the samples. */
export interface Run {
  name: string;
  /** Of a comparison: the settings that differ. */
  settings?: [name: string, value: string][];
  /** Relative link to its own page, where there is one. */
  href?: string;
  /** Accuracy on all scored samples; absent where it says nothing or diverged. */
  accuracy?: Accuracy;
  /** One sentence above everything, such as "The training diverged at epoch 3."; of a
   * comparison a few words beside the accuracy. */
  warning?: string;
  /** In forward order, the input first where it is a table of numbers. None: no study. */
  layers: Layer[];
  /** At least one if there are layers; the last is the studied network. */
  snapshots: Snapshot[];
  /** In the order of the buttons, the first chosen at the start. None: no scatters. */
  bases: Basis[];
  /** Class index answered; absent where the subject has no output. uint8 or int16. */
  answers?: Timed;
  /** Probability of that answer, 0 to 65535 standing for 0 to 1. uint16. */
  confidence?: Timed;
  /** What each layer's probe reads of each shown sample, at the end: (layers, shown). */
  readings?: ArrayRef;
  /** Index of the layer from which on the probes of all hidden layers read what the
   * network answers, -1 for none: (shown,) int16. */
  settled?: ArrayRef;
  /** Probe recall, (snapshots, layers, classes) float32. */
  recall?: ArrayRef;
  /** How many samples the recall of each snapshot is of. */
  recallOf?: number[];
  /** By label and answer, (snapshots, classes, classes) int32; counted on
   * `confusionOf` samples, which at the last snapshot are all scored. */
  confusion?: ArrayRef;
  confusionOf?: number[];
  /** At most 5, the worst first. */
  pairs?: Pair[];
  findings: Finding[];
  charts: Chart[];
  /** Of 2-D inputs: what the network answers between the samples. */
  regions?: Regions;
  /** For "draw your own"; absent where the forward pass cannot be written with `Op`. */
  network?: Network;
}

export interface Accuracy {
  value: number;
  /** 95 % interval. */
  low: number;
  high: number;
  right: number;
  of: number;
  /** "test samples" */
  words: string;
}

export interface Layer {
  name: string;
  units: number;
  /** Probe accuracy at each snapshot; null: not known. */
  accuracy: (number | null)[];
}

export interface Snapshot {
  epoch: number;
  /** Such as "untrained"; the epoch where absent. */
  label?: string;
  /** Accuracy of the network on the samples of `confusionOf`. */
  accuracy?: number | null;
}

export interface Basis {
  /** In links: `principal`, `discriminant`, `fixed`, or a transformer's name. */
  id: string;
  /** On the button: "principal", … */
  label: string;
  /** One sentence: what the axes are. */
  title: string;
  /** int16, `before` (snapshots - 1, layers, moving, 2) and `last` (layers, shown, 2).
   * `before` has one layer less where the first is the input, which stands still.
   * The square -32767 … 32767 is what is drawn of a layer, y upwards; the same scale for
   * x and y, and for all snapshots of a layer. */
  positions: Timed;
  /** The share of its variance that the two axes show of each layer at each snapshot:
   * (snapshots, layers), null: not known. */
  shows?: (number | null)[][];
}

/** Two classes that are taken for each other. */
export interface Pair {
  classes: [number, number];
  /** Samples of either class taken for the other by the network, of how many. */
  confused: number;
  of: number;
  /** Share confused by each layer's probe; null: not known. */
  byLayer: (number | null)[];
  /** Indices of the shown samples of both classes, (k,) int32. */
  samples: ArrayRef;
  /** Each of them on the pair's discriminant in each layer, (layers, k) int16: the
   * first class's mean at -10000, the second's at 10000, clipped at ±32767. */
  along: ArrayRef;
}

export interface Finding {
  kind: string;
  /** At most twelve words, with its number. */
  headline: string;
  /** One or two sentences, and what to do; may be empty. */
  detail: string;
  certainty: "counted" | "measured" | "rule of thumb";
  evidence: Record<string, unknown>;
  /** On the button, at most five words ("4 and 9 confused"); absent: not a button. */
  button?: string;
  /** The view that shows it: a link without "#", such as "m=pair:4.9" (see `link.ts`). */
  link?: string;
}

/** Lines over epochs: a click goes to the nearest snapshot, a line marks the present one. */
export interface Chart {
  id: string;
  title: string;
  y: { label: string; log?: boolean; percent?: boolean };
  lines: {
    name: string;
    x: number[];
    /** null: not finite. */
    y: (number | null)[];
    /** A pale line behind the others, such as the loss of single batches. */
    pale?: boolean;
  }[];
}

export interface Regions {
  /** Index of the layer whose positions are the two inputs: 0. Drawn under its points,
   * in the same square, row 0 at the top. */
  layer: number;
  /** (snapshots, size, size) class indices, uint8. */
  answers: ArrayRef;
  /** (snapshots, size, size), 0 to 255 standing for 0 to 1. */
  confidence: ArrayRef;
}

export interface Suspect {
  /** In `samples` or in `others`. */
  in: "samples" | "others";
  at: number;
  label: number;
  suggestion: number;
  /** 0 to 1. */
  score: number;
  /** Probability of the suggestion by the network. */
  probability: number;
  agreeing: number;
  neighbours: number;
  /** Layer from whose probe on the suggestion is read; null: none. */
  since: string | null;
}

export interface PageTable {
  id: string;
  title: string;
  place: "data" | "numbers" | "compare"; // in "The data", or at the end
  head: string[];
  rows: string[][];
  note?: string;
  open?: boolean; // unfolded from the start
  bars?: string[]; // a path of 160 × 12 for each row, to the right of it
}

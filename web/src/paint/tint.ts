/** What points are coloured by: the pixel of each sample, and what the colours mean. */

import type { Column, Run } from "../payload";
import { columnsOf, valuesAt, type Records } from "../records";
import { number } from "../wording";
import { mixed, pixelOf, ramp, rgbOf, type Rgb, type Theme } from "./colours";

/** What the colours mean: named ones, or a scale between two ends. */
export type Key =
  | { names: { name: string; colour: Rgb }[] }
  | { low: string; high: string; colour: (share: number) => Rgb };

interface Tint {
  /** None by class, which the classes' own buttons say. */
  key: Key | null;
  pixel: (sample: number) => number;
}

export function pixelsOf(records: Records, tint: Tint): Uint32Array {
  return Uint32Array.from({ length: records.count }, (_, i) => tint.pixel(i));
}

export function tintOf(
  records: Records, run: Run, colour: string, snapshot: number, theme: Theme,
  classColours: readonly string[],
): Tint {
  const { labels } = records;
  const amount = amounts(theme);
  if (colour === "error" && run.answers) {
    const answers = valuesAt(records, run, run.answers, snapshot);
    return named([["right", theme.right], ["wrong", theme.wrong]],
      (i) => Number(answers[i] !== labels[i]), theme);
  }
  if (colour === "confidence" && run.confidence) {
    const sure = valuesAt(records, run, run.confidence, snapshot);
    return scaled("0 %", "100 %", amount, (i) => (sure[i] ?? 0) / 65535, theme);
  }
  if (colour === "settled" && run.settled) {
    const settled = records.blocks.array(run.settled);
    const layers = run.layers.length;
    return named([
      ...run.layers.map(({ name }, i): [string, Rgb] => [name, amount(i / layers)]),
      ["none", theme.wrong],
    ], (i) => (settled[i]! < 0 ? layers : settled[i]!), theme);
  }
  const classes = classColours.map(rgbOf);
  const column = columnsOf(records.payload.samples)[Number(/^column:(.+)/.exec(colour)?.[1])];
  if (column) return columnTint(records, column, theme, classes);
  return { ...named(classes.map((c) => ["", c]), (i) => labels[i]!, theme), key: null };
}

function columnTint(
  records: Records, { values, levels }: Column, theme: Theme, classes: readonly Rgb[],
): Tint {
  const all = records.blocks.array(values);
  if (levels) {
    // Colours of classes in turn: levels beyond their number share some.
    return named(levels.map((name, i) => [name, classes[i % classes.length]!]),
      (i) => all[i]!, theme);
  }
  let [low, high] = [Infinity, -Infinity];
  for (const value of all) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return scaled(number(low, 3), number(high, 3), amounts(theme),
    (i) => (all[i]! - low) / (high - low || 1), theme);
}

/** From little to much; the end of the ramp that is near the ground moves from it. */
export function amounts(theme: Theme): (share: number) => Rgb {
  const isDark = theme.paper[0] < 128;
  return (share) => (isDark ? mixed(ramp(share), [110, 130, 170], 0.35 * (1 - share))
    : mixed(ramp(share), [120, 100, 0], 0.3 * share));
}

/** More names than this are not listed. */
const LISTED = 20;

function named(
  entries: [string, Rgb][], which: (sample: number) => number, theme: Theme,
): Tint {
  const pixels = entries.map(([, colour]) => pixelOf(colour));
  const none = pixelOf(theme.faint);
  return {
    key: { names: entries.slice(0, LISTED).map(([name, colour]) => ({ name, colour })) },
    pixel: (i) => pixels[which(i)] ?? none,
  };
}

function scaled(
  low: string, high: string, colour: (share: number) => Rgb,
  share: (sample: number) => number, theme: Theme,
): Tint {
  const pixels = Uint32Array.from({ length: 256 }, (_, i) => pixelOf(colour(i / 255)));
  const none = pixelOf(theme.faint);
  return { key: { low, high, colour }, pixel: (i) => pixels[Math.round(255 * share(i))] ?? none };
}

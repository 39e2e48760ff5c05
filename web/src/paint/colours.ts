/** Colours: of classes and of amounts, as pixels and as text, and their contrast. */

import { clamp } from "../numbers";

export type Rgb = readonly [red: number, green: number, blue: number];

export function rgbOf(hex: string): Rgb {
  const n = Number.parseInt(hex.slice(1, 7), 16) || 0;
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
}

export const hexOf = (rgb: Rgb) =>
  `#${rgb.map((v) => Math.round(v).toString(16).padStart(2, "0")).join("")}`;

/** As `ImageData` has it in a little-endian word. */
export const pixelOf = ([r, g, b]: Rgb) =>
  ((255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)) >>> 0;

export const mixed = (a: Rgb, b: Rgb, share: number): Rgb => [
  a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share,
  a[2] + (b[2] - a[2]) * share,
];

/** Cividis, which the colour-blind see as others do (Nuñez et al. 2018). */
const CIVIDIS: readonly Rgb[] = [
  [0, 34, 78], [53, 69, 108], [102, 105, 112], [148, 142, 119], [199, 182, 107],
  [253, 231, 55],
];

/** From few (0) to much (1); dark first on light ground, light last. */
export function ramp(share: number): Rgb {
  const at = clamp(Number.isFinite(share) ? share : 0, 0, 1)
    * (CIVIDIS.length - 1);
  const low = Math.min(CIVIDIS.length - 2, Math.floor(at));
  return mixed(CIVIDIS[low]!, CIVIDIS[low + 1]!, at - low);
}

const linear = (v: number) =>
  v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;

export const luminance = ([r, g, b]: Rgb) =>
  0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);

/** Contrast as WCAG 2 counts it: from 4.5 on small text can be read. */
export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];

/** Black or white, whichever can be read better: on any ground at least 4.5 to 1. */
export const textOn = (ground: Rgb): string =>
  hexOf(contrast(ground, BLACK) >= contrast(ground, WHITE) ? BLACK : WHITE);

export interface Theme {
  paper: Rgb;
  /** Points that are not marked. */
  faint: Rgb;
  wrong: Rgb;
  right: Rgb;
  ink: Rgb;
}

export const LIGHT: Theme = {
  paper: WHITE, faint: [222, 225, 230], wrong: [204, 51, 17],
  right: [147, 173, 209], ink: [22, 24, 28],
};

export const DARK: Theme = {
  paper: [23, 25, 29], faint: [56, 60, 68], wrong: [255, 105, 75],
  right: [74, 100, 140], ink: [236, 238, 242],
};

/** This share of errors is hardly coloured, a hundred times as much fully. */
const LITTLE = 0.003;

/** A ground for a share of errors: none is bare, then by its logarithm. */
export function errorGround(error: number, theme: Theme): Rgb {
  if (!(error > 0)) return theme.paper;
  const depth = clamp(Math.log10(Math.max(error, LITTLE) / LITTLE) / 2, 0, 1);
  return mixed(theme.paper, theme.wrong, 0.05 + 0.8 * depth);
}

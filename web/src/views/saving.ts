/** A view as a file: as it is painted, or its points as paths. */

import { hexOf, type Rgb } from "../paint/colours";
import { FAINT, HIDDEN } from "../paint/points";
import { viewFrame } from "../paint/view";
import { download, pngOf, svgBlob } from "../save";
import type { Store } from "../store";

export async function saveScatter(
  store: Store, index: number, layer: number, format: "svg" | "png",
  canvas: HTMLCanvasElement,
): Promise<void> {
  const name = `${store.payload.name}-${store.runs[index]!.layers[layer]!.name}`;
  if (format === "png") download(`${name}.png`, await pngOf(canvas));
  else download(`${name}.svg`, svgBlob(scatterSvg(store, index, layer)));
}

const SIDE = 400;

/** A path for each colour: dots are lines of no length with round ends. */
export function scatterSvg(store: Store, index: number, layer: number): string {
  const xy = store.placesOf(index, layer);
  const frame = viewFrame(store, index, layer, { width: SIDE, height: SIDE });
  const pixels = store.pixels[index]!.value;
  const roles = store.roles;
  const theme = store.theme;
  const paths = new Map<string, string[]>([[hexOf(theme.faint), []]]);
  for (let i = 0; i < xy.length / 2; i++) {
    if (roles[i] === HIDDEN) continue;
    const colour = roles[i] === FAINT ? hexOf(theme.faint) : hexOf(rgb(pixels[i]!));
    const x = frame.left + xy[2 * i]! * frame.scale;
    const y = frame.top - xy[2 * i + 1]! * frame.scale;
    if (!paths.has(colour)) paths.set(colour, []);
    paths.get(colour)!.push(`M${x.toFixed(1)} ${y.toFixed(1)}h0`);
  }
  const drawn = [...paths].map(([colour, dots]) =>
    `<path d="${dots.join("")}" stroke="${colour}"/>`).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">`
    + `<rect width="100%" height="100%" fill="${hexOf(theme.paper)}"/>`
    + `<g fill="none" stroke-width="2.6" stroke-linecap="round">${drawn}</g></svg>`;
}

const rgb = (pixel: number): Rgb => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];

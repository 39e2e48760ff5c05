/** Figures and tables as files of the reader's own. */

import type { Run, SampleTable } from "./payload";
import { columnsOf, sourceOf, valuesAt, type Records } from "./records";

export function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name.replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 80);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const saveCsv = (name: string, rows: string[][]) =>
  download(name, new Blob([csv(rows)], { type: "text/csv" }));

export const csv = (rows: string[][]) =>
  rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";

const cell = (value: string) =>
  (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** Columns of `placeOf`. */
export const PLACE = ["part", "sample", "file", "row"];

export function placeOf(records: Records, table: SampleTable, at: number): string[] {
  const source = sourceOf(records, table, at);
  const position = records.blocks.array(table.positions)[at];
  return [table.part, String(position), source?.file ?? "", String(source?.row ?? "")];
}

/** Marked samples: where they stand in what was read, and what is said of them. */
export function sampleRows(
  records: Records, run: Run, snapshot: number, chosen: readonly number[],
): string[][] {
  const { samples, classes } = records.payload;
  if (!samples) return [];
  const answers = run.answers && valuesAt(records, run, run.answers, snapshot);
  const sure = run.confidence && valuesAt(records, run, run.confidence, snapshot);
  const columns = columnsOf(samples).map((column) => (
    { ...column, all: records.blocks.array(column.values) }));
  const head = [
    ...PLACE, "label",
    ...(answers ? ["answer"] : []), ...(sure ? ["confidence"] : []),
    ...columns.map(({ name }) => name),
  ];
  return [head, ...chosen.map((i) => [
    ...placeOf(records, samples, i),
    classes.names[records.labels[i]!] ?? "",
    ...(answers ? [classes.names[answers[i]!] ?? ""] : []),
    ...(sure ? [((sure[i] ?? 0) / 65535).toFixed(4)] : []),
    ...columns.map(({ all, levels }) =>
      levels ? (levels[all[i]!] ?? "") : String(all[i])),
  ])];
}

const NAMESPACE = "http://www.w3.org/2000/svg";
const DRAWN = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity",
  "font-size", "font-family", "font-weight", "text-anchor", "dominant-baseline"];

/** A chart of the page with its styles written out, so that it stands alone. */
export function standalone(chart: SVGSVGElement, ground: string): string {
  const copy = chart.cloneNode(true) as SVGSVGElement;
  const { width, height } = chart.getBoundingClientRect();
  const from = [...chart.querySelectorAll("*")];
  [...copy.querySelectorAll("*")].forEach((element, i) => {
    const style = getComputedStyle(from[i]!);
    for (const name of DRAWN) element.setAttribute(name, style.getPropertyValue(name));
    element.removeAttribute("class");
    element.removeAttribute("style");
  });
  copy.setAttribute("xmlns", NAMESPACE);
  copy.setAttribute("width", String(Math.round(width)));
  copy.setAttribute("height", String(Math.round(height)));
  const back = document.createElementNS(NAMESPACE, "rect");
  back.setAttribute("width", "100%");
  back.setAttribute("height", "100%");
  back.setAttribute("fill", ground);
  copy.prepend(back);
  return new XMLSerializer().serializeToString(copy);
}

export const svgBlob = (text: string) => new Blob([text], { type: "image/svg+xml" });

/** Draw an SVG's text at three times its size. */
export async function rasterised(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 3 * image.width;
  canvas.height = 3 * image.height;
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return pngOf(canvas);
}

export const pngOf = (canvas: HTMLCanvasElement) =>
  new Promise<Blob>((done, failed) => canvas.toBlob(
    (blob) => (blob ? done(blob) : failed(new Error("no picture was made"))), "image/png"));

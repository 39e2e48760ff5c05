/** Pictures of samples, cut from their sheets when they are asked for. */

import { bytesOf, type Blocks } from "./blocks";
import type { Pictures } from "./payload";

const sheets = new Map<string, Promise<ImageBitmap>>();

function sheet(blocks: Blocks, id: string): Promise<ImageBitmap> {
  let found = sheets.get(id);
  if (!found) {
    const bytes = bytesOf(blocks.text(id)) as Uint8Array<ArrayBuffer>;
    const type = bytes[0] === 0xff ? "image/jpeg" : "image/png";
    found = createImageBitmap(new Blob([bytes], { type }));
    sheets.set(id, found);
  }
  return found;
}

/** Draw one sample's picture into a canvas, which takes its size. */
export async function drawPicture(
  canvas: HTMLCanvasElement, blocks: Blocks, pictures: Pictures, at: number,
): Promise<void> {
  const { width, height, perRow, perSheet } = pictures;
  const id = pictures.sheets[Math.floor(at / perSheet)];
  canvas.dataset.at = String(at);
  // Not all samples need have a picture: an empty one is wiped, not the last one's.
  canvas.width = width;
  if (id == null) return;
  const bitmap = await sheet(blocks, id);
  if (canvas.dataset.at !== String(at)) return;
  const place = at % perSheet;
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.drawImage(
    bitmap, (place % perRow) * width, Math.floor(place / perRow) * height, width, height,
    0, 0, width, height);
}

/** Values 0 to 255 of a picture, for what is drawn from it. */
export async function greyOf(
  blocks: Blocks, pictures: Pictures, at: number,
): Promise<Uint8ClampedArray> {
  const canvas = document.createElement("canvas");
  await drawPicture(canvas, blocks, pictures, at);
  const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((_, i) => i % 4 === 0);
}

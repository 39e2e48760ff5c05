// Write a page of a made-up run, to look at: node dev/page.mjs OUT.html '{"classes": 3}'
import { readFileSync, writeFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";
import { createServer } from "vite";

function crc(bytes) {
  if (crc32) return crc32(bytes);
  let c = ~0;
  for (const byte of bytes) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return ~c >>> 0;
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc(body), body.length + 4);
  return out;
}

function png(width, height, grey) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) rows.set(grey.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", head),
    chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0)),
  ]).toString("base64");
}

const [out, wanted = "{}"] = process.argv.slice(2);
const vite = await createServer({ server: { middlewareMode: true, ws: false, hmr: false }, appType: "custom", logLevel: "error" });
const { synthetic } = await vite.ssrLoadModule("/test/synthetic.ts");
await vite.close();
const { payload, blocks } = synthetic({ ...JSON.parse(wanted), png });
const assets = new URL("../../src/layerwise/presentation/assets/", import.meta.url);
const read = (name) => readFileSync(new URL(name, assets), "utf8");
const script = (type, id, text) => `<script type="${type}" id="${id}">${text}</script>`;
writeFileSync(out, `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<title>${payload.name}</title><link rel="icon" href="data:,"><style>${read("bundle.css")}</style></head><body><div id="app"></div>
${script("application/json", "payload", JSON.stringify(payload).replaceAll("<", "\\u003c"))}
${[...blocks].map(([id, text]) => script("text/plain", id, text)).join("\n")}
<script>${read("bundle.js")}</script></body></html>`);

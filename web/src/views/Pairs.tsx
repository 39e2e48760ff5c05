/** Two classes that are confused: which layer separates them, along one direction. */

import { useRef } from "../h";
import { clamp } from "../numbers";
import type { Pair } from "../payload";
import { alongOf } from "../records";
import { count, percent, short } from "../wording";
import { useStore } from "./context";
import { Chip, Choice, SaveChart, Section } from "./parts";

const [GAP, HEIGHT, BINS] = [18, 84, 48];
const widthOf = (isNarrow: boolean) => (isNarrow ? 96 : 150);
/** Coordinates are drawn between these; the classes' means are at ±10000. */
const ENDS = 30_000;

export function Pairs() {
  const store = useStore();
  const { run, names } = store;
  const figure = useRef<SVGSVGElement>();
  if (!run?.pairs?.length) return null;
  const wanted = store.pair;
  const found = run.pairs.findIndex(({ classes }) =>
    wanted && classes.includes(wanted[0]) && classes.includes(wanted[1]));
  const at = Math.max(0, found);
  const pair = run.pairs[at]!;
  const [a, b] = pair.classes;
  const layers = store.layersOf(0);
  return (
    <Section id="pairs" title="Confused pairs"
      note={<>{count(pair.confused)} of {count(pair.of)} samples of <Chip of={a} /> and
        {" "}<Chip of={b} /> are taken for the other. Each layer along the direction that
        separates them best; below, the share its probe confuses.</>}>
      <div class="pair-bar">
        <Choice label="pair" value={at}
          choose={(i) => { store.pair = run.pairs![i]!.classes; }}
          options={run.pairs.map(({ classes }, id) => (
            { id, label: classes.map((c) => short(names[c]!, 14)).join(" · ") }))} />
        <button onClick={() =>
          store.mark({ kind: "pair", at: [a, b] })}>show in every layer</button>
        <SaveChart chart={figure} name={`${names[a]}-${names[b]}`} what="pair" />
      </div>
      <Strips pair={pair} layers={layers} figure={figure} />
    </Section>
  );
}

function Strips({ pair, layers, figure }: {
  pair: Pair; layers: number[]; figure: preact.RefObject<SVGSVGElement | null>;
}) {
  const store = useStore();
  const { names } = store;
  const each = widthOf(store.narrow);
  const width = layers.length * (each + GAP);
  const label = layers.map((layer) =>
    `${store.run!.layers[layer]!.name} ${percent(pair.byLayer[layer])}`).join(", ");
  return (
    <div class="scroll" tabIndex={0}>
      <svg ref={figure} class="chart pair" role="img" viewBox={`0 0 ${width} ${HEIGHT + 44}`}
        style={{ minWidth: `${Math.min(width, 6 * 114)}px`, maxWidth: `${width * 1.3}px` }}
        aria-label={`${names[pair.classes[0]]} and ${names[pair.classes[1]]}, confused: ${label}`}>
        {layers.map((layer, i) => (
          <g transform={`translate(${i * (each + GAP)} 0)`}>
            <Strip pair={pair} layer={layer} width={each} />
            <text class="name" x={each / 2} y={HEIGHT + 18}>
              {short(store.run!.layers[layer]!.name, 16)}</text>
            <text x={each / 2} y={HEIGHT + 35}>
              {percent(pair.byLayer[layer])}</text>
          </g>
        ))}
      </svg>
    </div>
  );
}

/** Two histograms over each other. */
function Strip({ pair, layer, width }: { pair: Pair; layer: number; width: number }) {
  const store = useStore();
  const along = alongOf(store.records, pair, layer);
  const samples = store.array(pair.samples);
  const bins = pair.classes.map(() => new Array<number>(BINS).fill(0));
  samples.forEach((sample, i) => {
    const which = store.records.labels[sample] === pair.classes[0] ? 0 : 1;
    const share = (clamp(along[i]!, -ENDS, ENDS) + ENDS) / (2 * ENDS);
    bins[which]![Math.min(BINS - 1, Math.floor(share * BINS))]! += 1;
  });
  const most = Math.max(1, ...bins.flat());
  return (
    <>
      {bins.map((heights, which) => (
        <path class="area" fill={store.classColours[pair.classes[which]!]}
          d={area(heights.map((n) => n / most), width)} />
      ))}
      <line class="base" x1={0} x2={width} y1={HEIGHT} y2={HEIGHT} />
    </>
  );
}

function area(heights: number[], width: number): string {
  const step = width / heights.length;
  const steps = heights.map((h, i) =>
    `L${(i * step).toFixed(1)} ${(HEIGHT - h * (HEIGHT - 4)).toFixed(1)}h${step.toFixed(2)}`);
  return `M0 ${HEIGHT}${steps.join("")}L${width} ${HEIGHT}Z`;
}

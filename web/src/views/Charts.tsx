/** How training went: lines over epochs; a click or an arrow key goes to an epoch. */

import { useRef } from "../h";
import { clamp } from "../numbers";
import { hexOf } from "../paint/colours";
import { amounts } from "../paint/tint";
import type { Chart, Run } from "../payload";
import { scaleOf, spread, type Scale } from "../scale";
import { short, tick, wholePercent } from "../wording";
import { useStore } from "./context";
import { SaveChart, Section } from "./parts";

const HEIGHT = 230;
/** Of text, letters are as high on a phone as elsewhere: there is less beside them. */
const widthOf = (isNarrow: boolean) => (isNarrow ? 370 : 560);
/** A page of a training alone, in a notebook, has no more room than a phone for each. */
const isSmall = (store: ReturnType<typeof useStore>, run: Run) =>
  store.narrow || store.runs.length > 1 || !run.layers.length;
const boxOf = (width: number) =>
  ({ left: 52, right: width - 104, top: 10, bottom: HEIGHT - 36 });
type Box = ReturnType<typeof boxOf>;

export function Training() {
  const { run } = useStore();
  if (!run?.charts.length) return null;
  return (
    <Section id="training" title="Training"
      note={run.snapshots.length > 1 ? "Click a curve: every scatter and table goes to that epoch." : ""}>
      <Charts run={run} index={0} />
    </Section>
  );
}

export function Charts({ run, index }: { run: Run; index: number }) {
  return (
    <div class={isSmall(useStore(), run) ? "small charts" : "charts"}>
      {run.charts.map((chart) => (
        <Lines chart={chart} run={run} index={index} />
      ))}
    </div>
  );
}

function Lines({ chart, run, index }: { chart: Chart; run: Run; index: number }) {
  const store = useStore();
  const figure = useRef<SVGSVGElement>();
  const { lines } = chart;
  const width = widthOf(isSmall(store, run));
  const box = boxOf(width);
  // All charts of a run have the same epochs, though some records end before others.
  const x = scaleOf([0, 1, ...lines.flatMap((line) => line.x),
    ...run.snapshots.map(({ epoch }) => epoch)], box.left, box.right);
  const y = scaleOf(lines.flatMap((line) => line.y.map((v) => v ?? NaN)),
    box.bottom, box.top, chart.y.log);
  if (!x || !y) return null;
  const follows = run.snapshots.length > 1 && index === store.first;
  const at = run.snapshots[store.snapshotOf(index)]?.epoch;
  const go = (snapshot: number) => store.go({ snapshot });
  const onClick = (event: MouseEvent) => {
    const seen = figure.current!.getBoundingClientRect();
    const epoch = x.invert(((event.clientX - seen.left) / seen.width) * width);
    go(nearestTo(run, epoch));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    go(clamp(store.snapshot + step, 0, store.last));
  };
  const slider = follows ? {
    role: "slider" as const, tabindex: 0, onClick, onKeyDown,
    "aria-valuemin": 0, "aria-valuemax": store.last, "aria-valuenow": store.snapshot,
    "aria-valuetext": `epoch ${at}`,
  } : { role: "img" as const };
  return (
    <figure class="lines">
      <figcaption><strong>{chart.title}</strong></figcaption>
      <svg ref={figure} class={follows ? "chart follows" : "chart"}
        viewBox={`0 0 ${width} ${HEIGHT}`} aria-label={chart.title} {...slider}>
        <Axes chart={chart} x={x} y={y} box={box} />
        <Curves chart={chart} x={x} y={y} box={box} />
        {at != null && (
          <line class="cursor" x1={x(at)} x2={x(at)} y1={box.top} y2={box.bottom} />
        )}
      </svg>
      <SaveChart chart={figure} name={chart.id} what={chart.title} />
    </figure>
  );
}

function nearestTo(run: Run, epoch: number): number {
  const distances = run.snapshots.map((snapshot) => Math.abs(snapshot.epoch - epoch));
  return distances.indexOf(Math.min(...distances));
}

/** Where a line has one point. */
const CIRCLE = "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0";

interface Parts { chart: Chart; x: Scale; y: Scale; box: Box }

function Axes({ chart, x, y, box }: Parts) {
  const middle = (box.left + box.right) / 2;
  return (
    <>
      {y.ticks.map((value) => (
        <g>
          <line class="grid" x1={box.left} x2={box.right} y1={y(value)} y2={y(value)} />
          <text x={box.left - 6} y={y(value)} class="end">
            {chart.y.percent ? wholePercent(value) : tick(value)}</text>
        </g>
      ))}
      {x.ticks.map((value) => (
        <text x={x(value)} y={box.bottom + 15}>{tick(value)}</text>
      ))}
      <text x={middle} y={HEIGHT - 5}>epoch</text>
      <text transform={`translate(11 ${(box.top + box.bottom) / 2}) rotate(-90)`}>{chart.y.label}</text>
    </>
  );
}

/** Names stand at the lines' ends: no legend to look up. Of more lines, in the order of
 * the layers, so many have a name, and colours go from the first to the last. */
const NAMED = 10;

function Curves({ chart, x, y, box }: Parts) {
  const { classColours, theme } = useStore();
  const lines = chart.lines.filter(({ pale }) => !pale);
  const step = Math.ceil(lines.length / NAMED);
  const colour = (i: number) => (step > 1 ? hexOf(amounts(theme)(i / lines.length))
    : classColours[i * Math.floor(classColours.length / NAMED)]!);
  const drawn = (value: number | null | undefined) =>
    value != null && (!chart.y.log || value > 0);
  const path = ({ x: xs, y: ys }: Chart["lines"][number]) => {
    let open = false;
    return xs.map((value, i) => {
      if (!drawn(ys[i])) {
        open = false;
        return "";
      }
      const isLone = !open && !drawn(ys[i + 1]);
      const to = `${open ? "L" : "M"}${x(value).toFixed(1)} ${y(ys[i]!).toFixed(1)}`;
      open = true;
      return isLone ? to + CIRCLE : to;
    }).join("");
  };
  const named = lines.filter((_, i) => i % step === 0);
  const ends = named.map(({ y: ys }) => {
    const last = ys.findLast(drawn);
    return last == null ? box.bottom : y(last);
  });
  const places = spread(ends, 13, box.top + 4, box.bottom);
  return (
    <>
      {chart.lines.filter(({ pale }) => pale).map((line) => (
        <path class="pale" d={path(line)} />
      ))}
      {lines.map((line, i) => (
        <path class="line" stroke={colour(i)} d={path(line)} />
      ))}
      {named.map((line, i) => (
        <g>
          <line class="mark" stroke={colour(i * step)} x1={box.right + 5} x2={box.right + 13}
            y1={places[i]} y2={places[i]} />
          <text x={box.right + 17} y={places[i]} class="start">
            {short(line.name, 15)}</text>
        </g>
      ))}
    </>
  );
}

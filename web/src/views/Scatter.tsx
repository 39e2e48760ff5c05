/** One layer: its points, and what is drawn over them without painting them anew. */

import type { Signal } from "@preact/signals-core";
import { useEffect, useMemo, useRef, useSignal } from "../h";
import { zoomOf } from "../paint/camera";
import { follow, viewFrame, type Size } from "../paint/view";
import type { Store } from "../store";
import { count, percent, wholePercent } from "../wording";
import { useStore } from "./context";
import { handlersOf, type Drawn } from "./drawing";
import { Save } from "./parts";
import { saveScatter } from "./saving";

export function Scatter({ run: index, layer }: { run: number; layer: number }) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>();
  const size = useSignal<Size>({ width: 0, height: 0 });
  const drawn = useSignal<Drawn>({ path: [], radius: 0 });
  const run = store.runs[index]!;
  const { name } = run.layers[layer]!;
  useEffect(() => {
    const element = canvas.current!;
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      size.value = { width: Math.round(width), height: Math.round(height) };
    });
    observer.observe(element.parentElement!);
    const end = follow(store, index, layer, element, size);
    return () => {
      observer.disconnect();
      end();
    };
  }, [store, index, layer]);
  const view = { store, index, layer, size, drawn };
  const handlers = useMemo(() => handlersOf(view), [store, index, layer]);
  return (
    <figure class="scatter">
      <Heading index={index} layer={layer} />
      <div class={store.drawing ? "plot drawing" : "plot"} tabIndex={0}
        role="application" aria-roledescription="scatter plot"
        aria-label={`${name}: ${count(store.records.count)} samples. Arrow keys go from `
          + "point to point, M marks those around, plus and minus change how many, "
          + "Escape clears."} {...handlers}>
        <canvas ref={canvas} aria-hidden="true" />
        <Overlay {...view} />
      </div>
      <Save what={name} svg={() => saveScatter(store, index, layer, "svg", canvas.current!)}
        png={() => saveScatter(store, index, layer, "png", canvas.current!)} />
    </figure>
  );
}

function Heading({ index, layer }: { index: number; layer: number }) {
  const store = useStore();
  const run = store.runs[index]!;
  const snapshot = store.snapshotOf(index);
  const { name, units, accuracy } = run.layers[layer]!;
  const shown = store.basisOf(index)?.shows?.[snapshot]?.[layer];
  const share = wholePercent(shown);
  const read = accuracy[snapshot];
  // The first view says what the numbers are, as the outer one of small multiples does.
  const isFirst = index === store.first && layer === store.layersOf(index)[0];
  const zoom = store.moving ? 1 : Math.round(zoomOf(store.cameraOf(index, layer)));
  return (
    <figcaption>
      <strong title={`${name}: ${count(units)} units`}>{name}</strong>
      {read != null && (
        <b title={`linear-probe accuracy of ${name}`}>{isFirst && "probe "}{percent(read)}</b>
      )}
      {zoom > 1 && (
        <small title={`magnified ${zoom} times`}>×{zoom}</small>
      )}
      {shown != null && (
        <small title={`shows ${share} of the variance`}>
          {isFirst ? `${share} of variance` : share}
        </small>
      )}
    </figcaption>
  );
}

export interface ViewParts {
  store: Store;
  index: number;
  layer: number;
  size: Signal<Size>;
  drawn: Signal<Drawn>;
}

/** The ring, the lasso and the star: they move while the points stand still. */
function Overlay({ store, index, layer, size, drawn }: ViewParts) {
  const { width, height } = size.value;
  if (!width || (store.moving && !store.own)) return null;
  const { left, top, scale } = viewFrame(store, index, layer, size.value);
  const x = (value: number) => left + value * scale;
  const y = (value: number) => top - value * scale;
  const ring = ringOf(store, index, layer);
  const { path, radius } = drawn.value;
  const star = index === 0 ? store.own?.places[layer] : null;
  const corners: string[] = [];
  for (let i = 0; i < path.length; i += 2) {
    corners.push(`${x(path[i]!).toFixed(1)},${y(path[i + 1]!).toFixed(1)}`);
  }
  return (
    <svg class="overlay" width={width} height={height} aria-hidden="true">
      {corners.length > 1 && <polygon class="lasso" points={corners.join(" ")} />}
      {ring && radius > 0 && (
        <circle class="lasso" cx={x(ring[0])} cy={y(ring[1])} r={radius * scale} />
      )}
      {ring && <circle class="ring" cx={x(ring[0])} cy={y(ring[1])} r={7} />}
      {star && <path class="star" d={STAR}
        transform={`translate(${x(star[0] * 32767)} ${y(star[1] * 32767)})`} />}
    </svg>
  );
}

const STAR = "M0-10 2.6-3.6 9.5-3.1 4.2 1.4 5.9 8.1 0 4.4-5.9 8.1-4.2 1.4-9.5-3.1-2.6-3.6Z";

/** Where the present sample is; null while points move, or where it is not known. */
function ringOf(store: Store, index: number, layer: number): [number, number] | null {
  const sample = store.current;
  if (sample < 0 || store.moving) return null;
  const xy = store.placesOf(index, layer);
  return 2 * sample < xy.length ? [xy[2 * sample]!, xy[2 * sample + 1]!] : null;
}

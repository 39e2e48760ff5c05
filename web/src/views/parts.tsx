/** Small parts that many views have. */

import type { ComponentChildren, ComponentProps, RefObject } from "preact";
import { useEffect, useRef } from "../h";
import { rgbOf, textOn } from "../paint/colours";
import { paperOf } from "../paint/view";
import type { SampleTable } from "../payload";
import { drawPicture } from "../pictures";
import { sourceOf } from "../records";
import { download, rasterised, standalone, svgBlob } from "../save";
import type { Store } from "../store";
import { count, short } from "../wording";
import { useStore } from "./context";

/** A button that is on or off. */
export function Toggle({ on, ...rest }: ComponentProps<"button"> & { on: boolean }) {
  return <button aria-pressed={on} {...rest} />;
}

/** A class's name on its colour. */
export function Chip({ of, title }: { of: number; title?: string }) {
  const { names, classColours } = useStore();
  const name = names[of] ?? "–";
  const ground = classColours[of] ?? "#888888";
  return (
    <span class="chip" title={title ?? name}
      style={{ backgroundColor: ground, color: textOn(rgbOf(ground)) }}>
      {short(name, 14)}
    </span>
  );
}

/** One sample's picture; nothing where samples have none. */
export function Picture({ table, at, size }: {
  table: SampleTable; at: number; size: number;
}) {
  const { records } = useStore();
  const canvas = useRef<HTMLCanvasElement>();
  const { pictures } = table;
  useEffect(() => {
    if (pictures && canvas.current) {
      void drawPicture(canvas.current, records.blocks, pictures, at);
    }
  }, [pictures, at]);
  if (!pictures) return null;
  const width = Math.round((size * pictures.width) / pictures.height);
  return (
    <canvas ref={canvas} class={pictures.ink ? "picture ink" : "picture"}
      aria-hidden="true" width={pictures.width} height={pictures.height}
      style={{ width: `${width}px`, height: `${size}px` }} />
  );
}

export function Section({ id, title, note, children }: {
  id: string; title: string; note?: ComponentChildren; children: ComponentChildren;
}) {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {note && <p class="note">{note}</p>}
      {children}
    </section>
  );
}

/** What a sample is called: its part and number. */
export function nameOf({ array, records }: Store, table: SampleTable, at: number): string {
  const name = `${table.part} ${count(array(table.positions)[at] ?? at)}`;
  const source = sourceOf(records, table, at);
  return source
    ? `${name} (row ${count(source.row)}${source.file && ` of ${short(source.file, 28)}`})` : name;
}

/** What a sample is, is labelled and is answered. */
export function sentenceOf(store: Store, sample: number): string {
  const { names, samples, records } = store;
  const said = store.answersAt(store.first)?.[sample];
  return `${nameOf(store, samples!, sample)}, labelled ${names[records.labels[sample]!]}${
    said == null ? "" : `, answered ${names[said]}`}`;
}

/** One of several, as buttons. */
export function Choice<T extends string | number>({ label, options, value, choose }: {
  label: string; value: T; choose: (value: T) => void;
  options: { id: T; label: string; title?: string }[];
}) {
  return (
    <div class="choice" role="group" aria-label={label}>
      <span class="choice-label" aria-hidden="true">{label}</span>
      {options.map((option) => (
        <Toggle on={option.id === value} title={option.title}
          onClick={() => choose(option.id)}>{short(option.label, 40)}</Toggle>
      ))}
    </div>
  );
}

/** Save a chart of the page. */
export function SaveChart({ chart, name, what }: {
  chart: RefObject<SVGSVGElement | null>; name: string; what: string;
}) {
  const store = useStore();
  const file = `${store.payload.name}-${name}`;
  const text = () => standalone(chart.current!, paperOf(store));
  return (
    <Save what={what} svg={() => download(`${file}.svg`, svgBlob(text()))}
      png={async () => download(`${file}.png`, await rasterised(text()))} />
  );
}

/** A small menu beside a figure. */
export function Save({ what, svg, png }: {
  what: string; svg: () => unknown; png: () => unknown;
}) {
  const menu = useRef<HTMLDetailsElement>();
  const done = (save: () => unknown) => () => {
    save();
    menu.current?.removeAttribute("open");
  };
  return (
    <details class="save" ref={menu}
      onKeyDown={(event) => event.key === "Escape" && menu.current?.removeAttribute("open")}>
      <summary aria-label={`Save ${what}`} title={`Save ${what}`}>⤓</summary>
      <div>
        <button onClick={done(svg)}>SVG</button>
        <button onClick={done(png)}>PNG</button>
      </div>
    </details>
  );
}

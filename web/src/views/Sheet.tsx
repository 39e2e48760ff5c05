/** Samples beside each other: their pictures, or else their names. */

import { useSignal } from "../h";
import { count } from "../wording";
import { useStore } from "./context";
import { Chip, nameOf, Picture, sentenceOf, Toggle } from "./parts";

export function Sheet({ samples, most = 24 }: { samples: readonly number[]; most?: number }) {
  const store = useStore();
  const table = store.samples;
  const more = useSignal(0);
  if (!table || !samples.length) return null;
  const shown = samples.slice(0, most + more.value);
  const answers = store.answersAt(store.first);
  return (
    <div class={table.pictures ? "sheet" : "sheet rows"}>
      {shown.map((sample) => {
        const label = store.records.labels[sample]!;
        const said = answers?.[sample];
        const wrong = said != null && said !== label;
        const title = sentenceOf(store, sample);
        return (
          <Toggle key={sample} on={store.focus === sample} title={title}
            aria-label={table.pictures && title} class={wrong ? "wrong" : ""}
            onClick={() => { store.focus = sample; }}>
            {table.pictures ? <Picture table={table} at={sample} size={28} /> : (
              <>
                <span>{table.texts?.[sample]?.slice(0, 40) ?? nameOf(store, table, sample)}</span>
                <Chip of={label} />{wrong && <>→ <Chip of={said} /></>}
              </>
            )}
          </Toggle>
        );
      })}
      {samples.length > shown.length && (
        <button class="more" onClick={() => { more.value += 4 * most; }}>
          {count(samples.length - shown.length)} more</button>
      )}
    </div>
  );
}

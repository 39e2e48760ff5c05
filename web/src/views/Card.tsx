/** The sample card: one sample, what each layer reads in it, and what is marked. */

import type { Column, Run } from "../payload";
import { columnsOf, neighboursOf, readingsOf, settledOf } from "../records";
import { sampleRows, saveCsv } from "../save";
import { chance, count, initials, number, short } from "../wording";
import { useStore } from "./context";
import { describe } from "./describe";
import { Chip, nameOf, Picture, sentenceOf } from "./parts";
import { Sheet } from "./Sheet";

export function Card() {
  const store = useStore();
  const sample = store.current;
  return (
    <aside class="card" aria-label="Sample" tabIndex={0}>
      {sample >= 0 ? <Sample sample={sample} /> : <Hint />}
      <p class="spoken" aria-live="polite">{store.focus >= 0 && sentenceOf(store, store.focus)}</p>
      <FindingDetail />
      <Marked />
    </aside>
  );
}

function Hint() {
  const { drawing } = useStore();
  return (
    <p class="hint">{drawing
      ? "Draw around points with your finger."
      : "Point at a sample, or draw around several."}</p>
  );
}

function Sample({ sample }: { sample: number }) {
  const store = useStore();
  const { records, payload } = store;
  const table = payload.samples!;
  return (
    <div class="sample">
      <div class="who">
        <Picture table={table} at={sample} size={60} />
        <dl>
          <dt>{nameOf(store, table, sample)}</dt>
          <dd />
          <dt>labelled</dt><dd><Chip of={records.labels[sample]!} /></dd>
          {payload.runs.map((run, index) => (
            <Answer run={run} index={index} sample={sample} />
          ))}
        </dl>
      </div>
      {table.texts && <p class="text">{short(table.texts[sample] ?? "", 400)}</p>}
      {payload.runs.map((run) => (
        <Strip run={run} sample={sample} />
      ))}
      <Values sample={sample} columns={columnsOf(table)} />
      <Neighbours sample={sample} />
    </div>
  );
}

function Answer({ run, index, sample }: { run: Run; index: number; sample: number }) {
  const store = useStore();
  const said = store.answersAt(index)?.[sample];
  const sure = store.confidenceAt(index)?.[sample];
  if (said == null) return null;
  const who = store.runs.length > 1 ? short(run.name, 16) : "network says";
  return (
    <>
      <dt>{who}</dt>
      <dd><Chip of={said} /> {sure != null && chance(sure / 65535)}</dd>
    </>
  );
}

const SETTLED = "from here on the probes of all hidden layers read the network's answer";

/** What the probe of each layer reads, and from which on it stays so. */
function Strip({ run, sample }: { run: Run; sample: number }) {
  const { records, payload, names } = useStore();
  const readings = readingsOf(records, run, sample);
  if (!readings.length) return null;
  const settled = run.layers[settledOf(records, run, sample)];
  return (
    <div class="strip-part">
      <p class="note">
        {payload.runs.length > 1 && <b>{short(run.name, 16)}: </b>}
        read by each layer{settled
          ? <> · settled by <b title={SETTLED}>{settled.name}</b></> : run.settled && " · not settled"}
      </p>
      <ol class="strip">
        {readings.map((reading, layer) => (
          <li>
            <Chip of={reading} title={`${run.layers[layer]!.name} reads ${
              names[reading] ?? "–"}`} />
            <small>{initials(run.layers[layer]!.name)}</small>
          </li>
        ))}
      </ol>
    </div>
  );
}

const FIRST = 6;

function Values({ sample, columns }: { sample: number; columns: Column[] }) {
  const { array } = useStore();
  if (!columns.length) return null;
  const row = ({ name, values, levels }: Column) => {
    const value = array(values)[sample];
    const said = levels ? (levels[value ?? -1] ?? "–") : number(value);
    return <tr><th scope="row">{short(name, 24)}</th><td>{short(said, 24)}</td></tr>;
  };
  return (
    <>
      <table class="values"><tbody>{columns.slice(0, FIRST).map(row)}</tbody></table>
      {columns.length > FIRST && (
        <details>
          <summary>{columns.length - FIRST} more</summary>
          <table class="values"><tbody>{columns.slice(FIRST).map(row)}</tbody></table>
        </details>
      )}
    </>
  );
}

function Neighbours({ sample }: { sample: number }) {
  const store = useStore();
  const found = neighboursOf(store.records, sample);
  const table = store.payload.others;
  if (!found.length || !table) return null;
  const labels = table.labels && store.array(table.labels);
  return (
    <div class="near">
      <p class="note">nearest training samples</p>
      <ol>
        {found.map((at) => (
          <li key={at} title={table.texts?.[at] ?? nameOf(store, table, at)}>
            <Picture table={table} at={at} size={36} />
            {labels && <Chip of={labels[at]!} />}
          </li>
        ))}
      </ol>
    </div>
  );
}

function FindingDetail() {
  const found = useStore().finding;
  if (!found) return null;
  return (
    <div class="finding">
      <p><b>{found.headline}</b></p>
      {found.detail && <p>{found.detail}</p>}
      <small>{found.certainty}</small>
    </div>
  );
}

function Marked() {
  const store = useStore();
  const { payload, records, run } = store;
  if (!store.mask || !run) return null;
  const samples = store.markedSamples;
  const save = () => saveCsv(`${payload.name}-marked.csv`,
    sampleRows(records, run, store.snapshot, samples));
  return (
    <div class="marked">
      <p class="actions">
        <button onClick={() => store.mark(null)}>clear</button>
        {samples.length > 0 && (
          <button title="save their rows" onClick={save}>CSV</button>
        )}
      </p>
      <p><b>{count(samples.length)}</b> marked: {describe(store, store.marks)}</p>
      <Sheet samples={samples} key={store.marks.length} />
    </div>
  );
}

/** A sample of the reader's own: what the network makes of it, layer by layer. */

import { inputsOf, ownOf } from "../forward";
import { useEffect, useSignal } from "../h";
import type { FeatureInput } from "../payload";
import { columnsOf } from "../records";
import { chance, number, short } from "../wording";
import { useStore } from "./context";
import { DrawPicture } from "./DrawPicture";
import { Chip, Section } from "./parts";
import { Scatter } from "./Scatter";

export function OwnSample() {
  const store = useStore();
  const network = store.run?.network;
  // The stars stand where the chosen axes have them.
  const row = useSignal<ArrayLike<number> | null>(null);
  useEffect(() => {
    store.own = row.value && ownOf(store, row.value);
  }, [row.value, store.basis]);
  if (!network) return null;
  const change = (next: ArrayLike<number> | null) => { row.value = next; };
  const isPicture = network.input.kind === "picture";
  return (
    <Section id="own" title={isPicture ? "Draw your own" : "Set your own"}
      note="A star in every layer shows where the network puts it.">
      <div class="own">
        {network.input.kind === "picture"
          ? <DrawPicture input={network.input} change={change} />
          : <SetFeatures input={network.input} change={change} />}
        <Answer />
        {store.own && (
          <div class="own-views">
            {store.layersOf(0).map((layer) => <Scatter key={layer} run={0} layer={layer} />)}
          </div>
        )}
      </div>
    </Section>
  );
}

const TOP = 4;

function Answer() {
  const store = useStore();
  const own = store.own;
  if (!own) return <p class="note answer">nothing yet</p>;
  const order = [...own.probabilities.keys()]
    .sort((a, b) => own.probabilities[b]! - own.probabilities[a]!).slice(0, TOP);
  return (
    <div class="answer" aria-live="polite">
      <p>network says <Chip of={own.answer} /></p>
      <ol class="bars">
        {order.map((label) => (
          <li>
            <Chip of={label} />
            <i style={{ width: `${100 * own.probabilities[label]!}px` }} />
            <span>{chance(own.probabilities[label]!)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function SetFeatures({ input: { features }, change }: {
  input: FeatureInput; change: (row: number[] | null) => void;
}) {
  const store = useStore();
  const row = useSignal(features.map(({ middle }) => middle));
  const set = (next: number[]) => {
    row.value = next;
    change(inputsOf(features, next));
  };
  const taken = store.focus;
  const columns = columnsOf(store.samples).filter(({ role }) => role === "feature");
  return (
    <div class="features">
      {features.map(({ name, choices, minimum, maximum, step }, i) => {
        const value = row.value[i];
        const put = (event: { currentTarget: { value: string } }) =>
          set(row.value.with(i, Number(event.currentTarget.value)));
        return (
          <label>
            <span title={name}>{short(name, 28)}</span>
            {choices ? (
              <select value={value} onChange={put}>
                {choices.map((choice, at) => <option value={at}>{choice}</option>)}
              </select>
            ) : (
              <>
                <input type="range" min={minimum} max={maximum} step={step || 1}
                  value={value} onInput={put} />
                <output>{number(value, 4)}</output>
              </>
            )}
          </label>
        );
      })}
      <p class="actions">
        <button onClick={() => set([...row.value])}>place it</button>
        {taken >= 0 && columns.length === features.length && (
          <button onClick={() => set(columns.map(({ values }) =>
            store.array(values)[taken] ?? 0))}>from the pinned sample</button>
        )}
        <button onClick={() => change(null)}>clear</button>
      </p>
    </div>
  );
}

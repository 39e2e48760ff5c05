/** Which layer knows which class: a table of buttons, following the snapshot. */

import { useSignal } from "../h";
import { range } from "../numbers";
import { errorGround, hexOf, textOn } from "../paint/colours";
import { slice } from "../records";
import { count, initials, percent } from "../wording";
import { useStore } from "./context";
import { Chip, Section, Toggle } from "./parts";

/** More classes than this are folded, the worst shown first. */
const ROWS = 20;

export function HeatMap() {
  const store = useStore();
  const { run, records, names } = store;
  const all = useSignal(false);
  if (!run?.recall) return null;
  const snapshot = store.snapshot;
  const recall = slice(records, run.recall, snapshot);
  const classes = names.length;
  const value = (layer: number, label: number) => recall[layer * classes + label] ?? NaN;
  const last = run.layers.length - 1;
  const order = range(classes);
  const folded = classes > ROWS && !all.value;
  if (classes > ROWS) order.sort((a, b) => value(last, a) - value(last, b));
  const of = run.recallOf?.[snapshot];
  const theme = store.theme;
  return (
    <Section id="knows" title="Which layer knows which class"
      note={`Linear-probe accuracy per class in %${of ? `, of ${count(of)} samples` : ""}. `
        + "A cell marks what its probe misses."}>
      <div class="scroll">
        <table class="heat">
          <thead>
            <tr>
              <th scope="col">class</th>
              {run.layers.map(({ name }) => (
                <th scope="col" title={name}>
                  {last > 11 || store.narrow ? initials(name) : name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {order.slice(0, folded ? ROWS : classes).map((label) => (
              <tr>
                <th scope="row"><Chip of={label} /></th>
                {run.layers.map(({ name }, layer) => {
                  const share = value(layer, label);
                  const ground = errorGround(1 - share, theme);
                  const marked = store.marks.some((mark) => mark.kind === "missed"
                    && mark.at[0] === layer && mark.at[1] === label);
                  return (
                    <td>
                      <Toggle on={marked}
                        aria-label={`${names[label]} in ${name}: ${percent(share)}`}
                        style={{ backgroundColor: hexOf(ground), color: textOn(ground) }}
                        onClick={(event) =>
                          store.mark({ kind: "missed", at: [layer, label] }, event.shiftKey)}>
                        {percent(share).replace(" %", "")}
                      </Toggle>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {classes > ROWS && (
        <button class="more" onClick={() => { all.value = !all.value; }}>
          {all.value ? "fewer classes" : `all ${classes} classes`}</button>
      )}
    </Section>
  );
}

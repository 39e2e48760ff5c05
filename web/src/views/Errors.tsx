/** Labels against answers; a cell shows its samples beside it and in every layer. */

import { range } from "../numbers";
import { hexOf, mixed, textOn } from "../paint/colours";
import { slice } from "../records";
import { count, plural } from "../wording";
import { useStore } from "./context";
import { describe } from "./describe";
import { Chip, Section, Toggle } from "./parts";
import { Sheet } from "./Sheet";

/** More classes than this are a list of the commonest errors. */
const TABLE = 20;
const LISTED = 40;

export function Errors() {
  const store = useStore();
  const { run, records, names } = store;
  if (!run?.confusion) return null;
  const snapshot = store.snapshot;
  const counts = slice(records, run.confusion, snapshot);
  const of = run.confusionOf?.[snapshot];
  const classes = names.length;
  const cells = [...counts].map((n, at) => (
    { n, label: Math.floor(at / classes), answer: at % classes }));
  const wrong = cells.filter(({ n, label, answer }) => n && label !== answer);
  const total = wrong.reduce((sum, { n }) => sum + n, 0);
  const marks = store.marks;
  const shown = marks.length > 0 && marks.every(({ kind }) => kind === "cell" || kind === "errors");
  return (
    <Section id="errors" title="Errors"
      note={<>{plural(total, "error")}{of ? ` of ${count(of)} samples` : ""}.{" "}
        {classes > TABLE ? "Each label with its wrong answer, the commonest first."
          : "Rows are labels, columns answers. A cell shows its samples."}</>}>
      <div class="errors">
        <div class="scroll">
          {classes > TABLE ? <List cells={wrong} /> : <Matrix cells={cells} />}
        </div>
        <div class="beside">
          {shown ? (
            <>
              <p class="note"><b>{count(store.markedSamples.length)}</b>
                {" "}marked: {describe(store, marks)}</p>
              <Sheet samples={store.markedSamples} most={60} />
            </>
          ) : (
            <button onClick={() => store.mark({ kind: "errors", at: [] })}>
              show all errors</button>
          )}
        </div>
      </div>
    </Section>
  );
}

interface Cell {
  n: number;
  label: number;
  answer: number;
}

function useCell({ n, label, answer }: Cell) {
  const store = useStore();
  const { names } = store;
  const marked = store.marks.some((mark) =>
    mark.kind === "cell" && mark.at[0] === label && mark.at[1] === answer);
  return {
    on: marked,
    "aria-label": `labelled ${names[label]}, answered ${names[answer]}: ${count(n)}`,
    onClick: (event: MouseEvent) =>
      store.mark({ kind: "cell", at: [label, answer] }, event.shiftKey),
  };
}

function Matrix({ cells }: { cells: Cell[] }) {
  const classes = useStore().names.length;
  const order = range(classes);
  const most = Math.max(1, ...cells.filter((c) => c.label !== c.answer).map((c) => c.n));
  return (
    <table class="confusion">
      <thead>
        <tr>
          <th scope="col"><span class="axis">label ↓ answer →</span></th>
          {order.map((answer) => <th scope="col"><Chip of={answer} /></th>)}
        </tr>
      </thead>
      <tbody>
        {order.map((label) => (
          <tr>
            <th scope="row"><Chip of={label} /></th>
            {order.map((answer) => (
              <td>
                <MatrixCell cell={cells[label * classes + answer]!} most={most} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function MatrixCell({ cell, most }: { cell: Cell; most: number }) {
  const theme = useStore().theme;
  const attributes = useCell(cell);
  if (!cell.n) return null;
  if (cell.label === cell.answer) {
    return <Toggle class="right" {...attributes}>{count(cell.n)}</Toggle>;
  }
  const ground = mixed(theme.paper, theme.wrong, 0.1 + (0.75 * cell.n) / most);
  return (
    <Toggle {...attributes}
      style={{ backgroundColor: hexOf(ground), color: textOn(ground) }}>{count(cell.n)}</Toggle>
  );
}

function List({ cells }: { cells: Cell[] }) {
  const worst = [...cells].sort((a, b) => b.n - a.n).slice(0, LISTED);
  return (
    <ol class="pairs-list">
      {worst.map((cell) => <li><Listed cell={cell} /></li>)}
    </ol>
  );
}

function Listed({ cell }: { cell: Cell }) {
  return (
    <Toggle {...useCell(cell)} aria-label={undefined}>
      <Chip of={cell.label} /> → <Chip of={cell.answer} /> <b>{count(cell.n)}</b>
    </Toggle>
  );
}

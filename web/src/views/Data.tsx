/** Tables and facts, and all findings: what is read rather than looked at. */

import type { PageTable } from "../payload";
import { useStore } from "./context";
import { Section } from "./parts";

/** The tables of one place. */
const useTables = (of: PageTable["place"]) =>
  useStore().payload.tables.filter(({ place }) => place === of)
    .map((table) => <Table table={table} />);

/** The tables of one place in a section; nothing where there are none. */
export function Data({ of = "data", title = "The data" }: {
  of?: PageTable["place"]; title?: string;
}) {
  const tables = useTables(of);
  return tables.length ? <Section id="data" title={title}>{tables}</Section> : null;
}

function Table({ table }: { table: PageTable }) {
  return (
    <details class="table" open={table.open}>
      <summary>{table.title}</summary>
      {table.note && <p class="note">{table.note}</p>}
      <div class="scroll" tabIndex={0}>
        <table class="plain">
          <thead>
            <tr>
              {table.head.map((cell) => (cell
                ? <th scope="col">{cell}</th> : <td />))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map((row, i) => (
              <tr>
                {row.map((cell, j) => (j
                  ? <td>{cell}</td> : <th scope="row">{cell}</th>))}
                {table.bars && <td><svg width="160" height="12"><path d={table.bars[i]} /></svg></td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

/** All of them, folded; open where a page has little else to show. */
export function Findings({ open = false }: { open?: boolean }) {
  const store = useStore();
  const { run, payload } = store;
  const findings = run?.findings ?? [];
  if (!findings.length) return null;
  return (
    <Section id="findings" title="All findings" note={payload.certainties}>
      <ol class="all-findings">
        {findings.map((one) => (
          <li>
            <details open={open}>
              <summary>{one.headline} <small>{one.certainty}</small></summary>
              {one.detail && <p>{one.detail}</p>}
              {one.link && (
                <button onClick={() => {
                  store.show(one);
                  store.section ??= "scatters";
                }}>show</button>
              )}
            </details>
          </li>
        ))}
      </ol>
    </Section>
  );
}

export function Numbers() {
  const { payload } = useStore();
  const tables = useTables("numbers");
  if (!tables.length && !payload.facts.length) return null;
  return (
    <Section id="numbers" title="Numbers and settings">
      {tables}
      {payload.facts.length > 0 && (
        <details class="table">
          <summary>Settings</summary>
          <dl class="facts">
            {payload.facts.map(([name, value]) => (
              <div><dt>{name}</dt><dd>{value}</dd></div>
            ))}
          </dl>
        </details>
      )}
    </Section>
  );
}

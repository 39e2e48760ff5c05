/** Tables and facts, and all findings: what is read rather than looked at. */

import type { PageTable } from "../payload";
import { useStore } from "./context";
import { Section } from "./parts";

export function Data() {
  const { payload } = useStore();
  const tables = payload.tables.filter(({ place }) => place === "data");
  if (!tables.length) return null;
  return (
    <Section id="data" title="The data">
      {tables.map((table) => <Table table={table} />)}
    </Section>
  );
}

export function Table({ table, open = table.open }: { table: PageTable; open?: boolean }) {
  return (
    <details class="table" open={open}>
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
            {table.rows.map((row) => (
              <tr>
                {row.map((cell, j) => (j
                  ? <td>{cell}</td> : <th scope="row">{cell}</th>))}
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
  const tables = payload.tables.filter(({ place }) => place === "numbers");
  if (!tables.length && !payload.facts.length) return null;
  return (
    <Section id="numbers" title="Numbers and settings">
      {tables.map((table) => <Table table={table} />)}
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

/** What this page is of, how good it is, and what was found. */

import { count, percent, plural, short } from "../wording";
import { useStore } from "./context";

export function Header() {
  const store = useStore();
  const { payload, run } = store;
  return (
    <header class="top">
      <h1>{titleOf(payload.name, payload.kind, payload.runs.length)}</h1>
      {payload.kind === "report" && run?.accuracy && (
        <p class="accuracy">
          <strong>{percent(run.accuracy.value)}</strong> of {count(run.accuracy.of)}
          {" "}{run.accuracy.words} right
          <small> (95 % interval {percent(run.accuracy.low).replace(" %", "")} to
            {" "}{percent(run.accuracy.high)})</small>
        </p>
      )}
      <p class="structure">{[payload.structure, drawn(store)].filter(Boolean).join(" · ")}</p>
      <button class="theme" aria-label="Light or dark"
        aria-pressed={store.dark.value} title="Light or dark"
        onClick={() => { store.dark.value = !store.dark.value; }}>◐</button>
    </header>
  );
}

function titleOf(name: string, kind: string, runs: number): string {
  if (kind === "compare") return `${plural(runs, "run")} compared`;
  if (kind === "sweep") return `${name}: a sweep`;
  return `${short(name, 40)}: what each layer knows`;
}

/** Said where not all samples are drawn, or not all of them move. */
function drawn({ payload, records, last }: ReturnType<typeof useStore>): string {
  const { samples } = payload;
  if (!samples) return "";
  const parts = [samples.count < samples.scored
    ? `${count(records.count)} of ${count(samples.scored)} drawn` : ""];
  if (last && samples.moving < samples.count) parts.push(`${count(samples.moving)} move`);
  return parts.filter(Boolean).join(", ");
}

/** So many findings are buttons. */
const BUTTONS = 8;

export function FindingButtons() {
  const store = useStore();
  const findings = store.run?.findings.filter(({ button }) => button) ?? [];
  if (!findings.length) return null;
  return (
    <nav class="findings" aria-label="Findings">
      {findings.slice(0, BUTTONS).map((one) => (
        <button key={one.button} title={one.headline}
          aria-pressed={store.finding.value === one}
          onClick={() => (store.finding.value === one ? store.mark(null) : store.show(one))}>
          {short(one.button!, 40)}
        </button>
      ))}
      <a href="#s=findings" class="more"
        onClick={(event) => { event.preventDefault(); store.section.value = "findings"; }}>
        all findings</a>
    </nav>
  );
}

export function Warning() {
  const { run } = useStore();
  return run?.warning ? <p class="warning" role="alert">{run.warning}</p> : null;
}

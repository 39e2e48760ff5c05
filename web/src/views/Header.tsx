/** What this page is of, how good it is, and what was found. */

import { count, percent, short } from "../wording";
import { useStore } from "./context";
import { Toggle } from "./parts";

export function Header() {
  const store = useStore();
  const { payload, run } = store;
  return (
    <header class="top">
      <h1>{document.title}</h1>
      {payload.kind === "report" && run?.accuracy && (
        <p class="accuracy">
          <strong>{percent(run.accuracy.value)}</strong> of {count(run.accuracy.of)}
          {" "}{run.accuracy.words} right
          <small> 95 % interval
            {" "}{percent(run.accuracy.low).replace(" %", "")}–{percent(run.accuracy.high)}</small>
        </p>
      )}
      <p class="structure">{[payload.structure?.replaceAll(" ", ""), drawn(store)].filter(Boolean).join(" · ")}</p>
      <Toggle class="theme" on={store.dark} aria-label="Dark" title="Light or dark"
        onClick={() => { store.dark = !store.dark; }}>◐</Toggle>
    </header>
  );
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
const BUTTONS = 7;

export function FindingButtons() {
  const store = useStore();
  const findings = store.run?.findings.filter(({ button }) => button) ?? [];
  if (!findings.length) return null;
  return (
    <nav class="findings" aria-label="Findings">
      {findings.slice(0, BUTTONS).map((one) => (
        <Toggle on={store.finding === one} title={one.headline}
          onClick={() => (store.finding === one ? store.mark(null) : store.show(one))}>
          {short(one.button!, 40)}
        </Toggle>
      ))}
      <a href="#s=findings" class="more"
        onClick={(event) => { event.preventDefault(); store.section = "findings"; }}>
        all findings</a>
    </nav>
  );
}

export function Warning() {
  const { run } = useStore();
  return run?.warning ? <p class="warning" role="alert">{run.warning}</p> : null;
}

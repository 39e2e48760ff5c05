/** Suspicious labels to work through: keep, relabel or skip each, then save the list. */

import { useRef, useSignal } from "../h";
import { clamp } from "../numbers";
import type { Suspect } from "../payload";
import { PLACE, placeOf, saveCsv } from "../save";
import type { Store } from "../store";
import { chance, count, plural } from "../wording";
import { useStore } from "./context";
import { Chip, nameOf, Picture, Section, Toggle } from "./parts";

const DECISIONS = ["keep", "relabel", "skip"] as const;
type Decision = (typeof DECISIONS)[number];

export function Suspects() {
  const store = useStore();
  const suspects = store.payload.suspects ?? [];
  const at = useSignal(0);
  const decisions = useSignal<readonly (Decision | undefined)[]>([]);
  const list = useRef<HTMLOListElement>();
  if (!suspects.length) return null;
  const done = decisions.value.filter(Boolean).length;
  const go = (to: number, focus = false) => {
    at.value = clamp(to, 0, suspects.length - 1);
    const suspect = suspects[at.value]!;
    if (suspect.in === "samples") store.focus = suspect.at;
    const option = list.current?.children[at.value]?.querySelector("button");
    if (focus) option?.focus();
    option?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const decide = (decision: Decision, focus = false) => {
    const next = [...decisions.value];
    next[at.value] = decision;
    decisions.value = next;
    go(at.value + 1, focus);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const decision = DECISIONS.find(([initial]) => initial === event.key);
    if (decision) decide(decision, true);
    else if (event.key === "ArrowRight" || event.key === "ArrowDown") go(at.value + 1, true);
    else if (event.key === "ArrowLeft" || event.key === "ArrowUp") go(at.value - 1, true);
    else return;
    event.preventDefault();
  };
  const suspect = suspects[at.value]!;
  return (
    <Section id="suspects" title="Suspicious labels"
      note={`${plural(suspects.length, "label")}, the most suspicious first. `
        + "Arrow keys move; K keeps, R relabels, S skips."}>
      <div class="suspects" onKeyDown={onKeyDown}>
        <ol ref={list} class="suspect-list">
          {suspects.map((one, i) => {
            const title = said(store, one, decisions.value[i]);
            return (
              <li>
                <button tabIndex={i === at.value ? 0 : -1} title={title}
                  aria-label={tableOf(store, one).pictures && title}
                  aria-current={i === at.value} class={decisions.value[i] ?? ""}
                  onClick={() => go(i)}>
                  <Face suspect={one} size={34} />
                </button>
              </li>
            );
          })}
        </ol>
        <div class="suspect">
          {tableOf(store, suspect).pictures && <Face suspect={suspect} size={84} />}
          <Evidence suspect={suspect} />
        </div>
        <div class="decide">
          {DECISIONS.map((decision) => (
            <Toggle on={decisions.value[at.value] === decision}
              onClick={() => decide(decision)}>{decision}</Toggle>
          ))}
          <button class="csv" disabled={!done}
            onClick={() => saveCsv(`${store.payload.name}-labels.csv`,
              decided(store, suspects, decisions.value))}>
            CSV</button>
          <span class="note">{count(done)} of {count(suspects.length)} decided</span>
        </div>
      </div>
    </Section>
  );
}

const tableOf = (store: Store, suspect: Suspect) =>
  (suspect.in === "samples" ? store.samples : store.payload.others)!;

function Face({ suspect, size }: { suspect: Suspect; size: number }) {
  const store = useStore();
  const table = tableOf(store, suspect);
  if (table.pictures) return <Picture table={table} at={suspect.at} size={size} />;
  return <span><Chip of={suspect.label} />→<Chip of={suspect.suggestion} /></span>;
}

function Evidence({ suspect }: { suspect: Suspect }) {
  const store = useStore();
  return (
    <dl>
      <dt>{title(store, suspect)}</dt><dd />
      <dt>labelled</dt><dd><Chip of={suspect.label} /></dd>
      <dt>looks like</dt>
      <dd><Chip of={suspect.suggestion} /> {chance(suspect.probability)}</dd>
      {suspect.neighbours > 0 && (
        <>
          <dt>neighbours</dt>
          <dd>{suspect.agreeing} of {suspect.neighbours} agree</dd>
        </>
      )}
      {suspect.since && <><dt>since</dt><dd>{suspect.since}</dd></>}
    </dl>
  );
}

const title = (store: Store, suspect: Suspect) =>
  nameOf(store, tableOf(store, suspect), suspect.at);

function said(store: Store, suspect: Suspect, decision: Decision | undefined): string {
  const { names } = store;
  return `${title(store, suspect)}: labelled ${names[suspect.label]}, looks like ${
    names[suspect.suggestion]}${decision ? `, ${decision}` : ""}`;
}

function decided(
  store: Store, suspects: readonly Suspect[], decisions: readonly (Decision | undefined)[],
): string[][] {
  const { names, records } = store;
  const head = [...PLACE, "label", "suggestion", "score", "decision"];
  return [head, ...suspects.flatMap((suspect, i) => {
    const decision = decisions[i];
    if (!decision) return [];
    return [[
      ...placeOf(records, tableOf(store, suspect), suspect.at),
      names[suspect.label]!, names[suspect.suggestion]!, suspect.score.toFixed(3), decision,
    ]];
  })];
}

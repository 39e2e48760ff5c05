/** Runs in columns, over one sample set: one lasso goes through all of them. */

import type { Run } from "../payload";
import { percent, short } from "../wording";
import { Card } from "./Card";
import { Charts } from "./Charts";
import { useStore } from "./context";
import { Controls } from "./Controls";
import { Data } from "./Data";
import { whenOf } from "./describe";
import { Section } from "./parts";
import { Scatters } from "./Scatters";

export function Compare() {
  const { payload } = useStore();
  return (
    <>
      <Controls />
      <div class="with-card" id="scatters">
        <div class="runs" data-runs={payload.runs.length}>
          {payload.runs.map((run, index) => (
            <section class="run" aria-label={run.name}>
              <RunHeading run={run} index={index} />
              {run.layers.length > 0 && <Scatters run={index} />}
            </section>
          ))}
        </div>
        {payload.samples && <Card />}
      </div>
      <Data of="compare" title="Side by side" />
      {payload.runs.some(({ charts }) => charts.length) && (
        <Section id="training" title="Training">
          <div class="runs" data-runs={payload.runs.length}>
            {payload.runs.map((run, index) => (
              <div class="run">
                <h3>{short(run.name, 40)}</h3>
                <Charts run={run} index={index} />
              </div>
            ))}
          </div>
        </Section>
      )}
    </>
  );
}

function RunHeading({ run, index }: { run: Run; index: number }) {
  const { snapshot, last, snapshotOf } = useStore();
  return (
    <header>
      <h2>{run.href ? <a href={run.href}>{short(run.name, 40)}</a> : short(run.name, 40)}</h2>
      <p>
        {run.accuracy && <b>{percent(run.accuracy.value)}</b>}
        {" "}{run.warning}{snapshot < last && run.layers.length > 0
          && ` · shown: ${whenOf(run, snapshotOf(index))}`}
        <small>{run.settings?.map(([name, value]) =>
          `${name} ${short(value, 20)}`).join(" · ")}</small>
      </p>
    </header>
  );
}

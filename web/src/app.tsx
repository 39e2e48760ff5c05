/** The page: its parts in order. */

import { Card } from "./views/Card";
import { Training } from "./views/Charts";
import { Compare } from "./views/Compare";
import { useStore } from "./views/context";
import { Controls } from "./views/Controls";
import { Data, Findings, Numbers } from "./views/Data";
import { Errors } from "./views/Errors";
import { FindingButtons, Header, Warning } from "./views/Header";
import { HeatMap } from "./views/HeatMap";
import { OwnSample } from "./views/Own";
import { Pairs } from "./views/Pairs";
import { Scatters } from "./views/Scatters";
import { Suspects } from "./views/Suspects";
import { Sweep } from "./views/Sweep";

export function App() {
  const { payload } = useStore();
  return (
    <>
      <Header />
      <main>
        {payload.kind === "report" && <Report />}
        {payload.kind === "compare" && <Compare />}
        {payload.kind === "sweep" && <Sweep />}
        <Numbers />
      </main>
    </>
  );
}

function Report() {
  const { run, payload } = useStore();
  const views = Boolean(run?.layers.length && run.bases.length && payload.samples);
  return (
    <>
      <Warning />
      <FindingButtons />
      {!views && <Findings open />}
      {views && (
        <>
          <Controls />
          <div class="with-card" id="scatters">
            <Scatters run={0} />
            <Card />
          </div>
        </>
      )}
      <HeatMap />
      <Errors />
      <Pairs />
      <Suspects />
      <Training />
      <Data />
      <OwnSample />
      {views && <Findings />}
    </>
  );
}

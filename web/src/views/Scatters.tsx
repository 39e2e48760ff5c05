/** The layers of one run, six at first; with many, the reader chooses. */

import { VIEWS } from "../store";
import { percent } from "../wording";
import { useStore } from "./context";
import { Toggle } from "./parts";
import { Scatter } from "./Scatter";

export function Scatters({ run: index }: { run: number }) {
  const store = useStore();
  const run = store.runs[index]!;
  const shown = store.layersOf(index);
  if (!run.bases.length) return null;
  return (
    <div>
      <div class="views" data-count={Math.min(shown.length, VIEWS)}>
        {shown.map((layer) => <Scatter key={`${index}.${layer}`} run={index} layer={layer} />)}
      </div>
      {run.layers.length > VIEWS && index === store.first && <ChooseLayers />}
    </div>
  );
}

function ChooseLayers() {
  const store = useStore();
  const { layers } = store.run!;
  const shown = store.layersOf(store.first);
  const toggle = (layer: number) => {
    const now = shown.includes(layer) ? shown.filter((l) => l !== layer)
      : [...shown, layer].sort((a, b) => a - b);
    store.chosen = now.length ? now : [layer];
  };
  return (
    <details class="choose">
      <summary>choose layers ({shown.length} of {layers.length})</summary>
      <div>
        {layers.map(({ name, accuracy }, layer) => (
          <Toggle key={layer} on={shown.includes(layer)}
            onClick={() => toggle(layer)}>
            {name} <small>{percent(accuracy[store.snapshot])}</small>
          </Toggle>
        ))}
      </div>
    </details>
  );
}

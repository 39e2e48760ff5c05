/** The phase diagram of a sweep; a cell opens its run. */

import { mixed, hexOf, textOn, type Rgb } from "../paint/colours";
import type { SweepCell } from "../payload";
import { percent, short } from "../wording";
import { useStore } from "./context";

export function Sweep() {
  const { payload } = useStore();
  const { sweep } = payload;
  if (!sweep) return null;
  return (
    <>
      {sweep.sentences.map((sentence) => <p class="lead">{sentence}</p>)}
      <section id="scatters" aria-labelledby="phase-title">
        <h2 id="phase-title">Where training works</h2>
        <p class="note">
          Mean validation accuracy. s: stalled, d: diverged.
          {sweep.cells.some(({ href }) => href) && " An underlined cell opens its run."}</p>
        <div class="scroll" tabIndex={0}><Diagram /></div>
      </section>
    </>
  );
}

function Diagram() {
  const { payload } = useStore();
  const { columns, rows, cells } = payload.sweep!;
  const width = columns.values.length;
  const known = cells.flatMap(({ accuracy }) => accuracy ?? []);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return (
    <table class="phase">
      <thead>
        <tr>
          <th scope="col">{rows ? `${rows.name} ↓ ${columns.name} →` : columns.name}</th>
          {columns.values.map((value) => <th scope="col">{short(value, 14)}</th>)}
        </tr>
      </thead>
      <tbody>
        {(rows?.values ?? [""]).map((value, row) => (
          <tr>
            <th scope="row">{short(value, 14)}</th>
            {columns.values.map((_, column) => (
              <td>
                <Cell cell={cells[row * width + column]} low={low} high={high} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cell({ cell, low, high }: { cell: SweepCell | undefined; low: number; high: number }) {
  const theme = useStore().theme;
  if (!cell) return null;
  const good: Rgb = theme.paper[0] > 128 ? [47, 111, 208] : [110, 165, 255];
  const share = cell.accuracy == null ? 0 : (cell.accuracy - low) / (high - low || 1);
  const ground = cell.accuracy == null ? theme.faint : mixed(theme.paper, good, 0.08 + 0.8 * share);
  const style = { backgroundColor: hexOf(ground), color: textOn(ground) };
  const marks = [cell.stalled && `${cell.stalled}s`, cell.diverged && `${cell.diverged}d`]
    .filter(Boolean).join(" ");
  const inner = <>{percent(cell.accuracy)} {marks && <small>{marks}</small>}{cell.best && " ★"}</>;
  return cell.href ? <a href={cell.href} class="cell" style={style}>{inner}</a>
    : <span class="cell" style={style}>{inner}</span>;
}

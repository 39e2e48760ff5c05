/** Marks and times in words. */

import type { Mark } from "../marks";
import type { Run } from "../payload";
import type { Store } from "../store";
import { quoted, short } from "../wording";

/** Which snapshot of a run this is. */
export function whenOf({ snapshots }: Run, snapshot: number): string {
  const at = snapshots[snapshot];
  return at?.label ?? `epoch ${at?.epoch ?? ""}`;
}

export const describe = (store: Store, marks: readonly Mark[]): string =>
  marks.map((mark) => said(store, mark)).join("; ");

/** Whose it is, where there are several runs; errors are those of `run`. */
const of = ({ runs, first }: Store, index = first) =>
  (runs.length > 1 ? ` of ${short(runs[index]?.name ?? "", 16)}` : "");

function said(store: Store, { kind, at }: Mark): string {
  const { runs, run, names } = store;
  const named = (i: number) => quoted(short(names[at[i]!] ?? "", 16));
  const layer = (i: number, from = run) => from?.layers[at[i]!]?.name ?? "";
  switch (kind) {
    case "errors": return `errors${of(store)}`;
    case "suspects": return "suspicious labels";
    case "cell":
      return `labelled ${named(0)}, answered ${named(1)}${of(store)}`;
    case "pair": return `${named(0)} and ${named(1)}`;
    case "class": return named(0);
    case "missed": return `${named(1)} missed by ${layer(0)}`;
    case "settled": return layer(0) ? `settled by ${layer(0)}` : "not settled";
    case "unsure": return `confidence below ${at[0]} %`;
    case "samples": return "chosen";
    case "lasso": return `drawn in ${layer(3, runs[at[0]!])}${of(store, at[0])}`;
  }
}

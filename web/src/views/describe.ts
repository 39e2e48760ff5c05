/** What marks are, in words. */

import type { Mark } from "../marks";
import type { Store } from "../store";
import { short } from "../wording";

export const describe = (store: Store, marks: readonly Mark[]): string =>
  marks.map((mark) => said(store, mark)).join("; ");

function said({ payload, run, names }: Store, { kind, at }: Mark): string {
  const named = (i: number) => short(names[at[i]!] ?? "", 16);
  const layer = (i: number, of = run) => of?.layers[at[i]!]?.name ?? "";
  switch (kind) {
    case "errors": return "errors";
    case "suspects": return "suspicious labels";
    case "cell":
      return at[0] === at[1] ? `${named(0)}, right` : `labelled ${named(0)}, answered ${named(1)}`;
    case "pair": return `${named(0)} and ${named(1)}`;
    case "class": return named(0);
    case "missed": return `${named(1)} missed by ${layer(0)}`;
    case "settled": return layer(0) ? `settled by ${layer(0)}` : "not settled";
    case "unsure": return `confidence below ${at[0]} %`;
    case "samples": return "chosen";
    case "lasso": return `drawn in ${layer(3, payload.runs[at[0]!])}`;
  }
}

/** Made-up pages as the store sees them. */

import { blocksOf } from "../src/blocks";
import { recordsOf, type Records } from "../src/records";
import { storeOf, type Store } from "../src/store";
import { synthetic, type Wanted } from "./synthetic";

const made = new Map<string, ReturnType<typeof synthetic>>();

export function recordsFor(wanted: Wanted = {}): Records {
  const key = JSON.stringify(wanted);
  if (!made.has(key)) made.set(key, synthetic({ count: 200, ...wanted }));
  const { payload, blocks } = made.get(key)!;
  return recordsOf(structuredClone(payload), blocksOf((id) => blocks.get(id)));
}

export const storeFor = (wanted: Wanted = {}): Store => storeOf(recordsFor(wanted));

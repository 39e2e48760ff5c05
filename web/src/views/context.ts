/** The store of the page: there is one, given before anything is drawn. */

import type { Store } from "../store";

let store: Store | undefined;

export const provide = (given: Store): void => { store = given; };

export function useStore(): Store {
  if (!store) throw new Error("a view without a page");
  return store;
}

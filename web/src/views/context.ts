/** The store of the page: there is one, given before anything is drawn. */

import type { Store } from "../store";

let store!: Store;

export const provide = (given: Store): void => { store = given; };

export const useStore = (): Store => store;

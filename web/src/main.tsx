/** From what the page holds to what it shows. */

import { effect } from "@preact/signals-core";
import { options, render } from "preact";
import { App } from "./app";
import { blocksOf } from "./blocks";
import { ownOf } from "./forward";
import { paintNow } from "./paint/view";
import { VERSION, type Payload } from "./payload";
import { playing } from "./play";
import { recordsOf } from "./records";
import { storeOf, type Store } from "./store";
import { provide, useStore } from "./views/context";
import "./style/base.css";
import "./style/views.css";
import "./style/sections.css";
import "./style/print.css";

function start(root: HTMLElement): void {
  const blocks = blocksOf((id) => document.getElementById(id)?.textContent);
  const payload = JSON.parse(blocks.text("payload")) as Payload;
  if (payload.version !== VERSION) throw new Error("another version");
  const store = storeOf(recordsOf(payload, blocks));
  themed(store);
  printed(store);
  store.follow(location.hash);
  linked(store);
  playing(store);
  keys(store);
  provide(store);
  render(<App />, root);
  sections(store);
  if (!document.querySelector(".plot")) document.documentElement.dataset.ready = "";
}

/** Keep to what the screen is. */
function follow(query: string, set: (matches: boolean) => void): void {
  const media = matchMedia(query);
  set(media.matches);
  media.addEventListener("change", () => set(media.matches));
}

/** Light or dark as the system has it, until the reader chooses. */
function themed(store: Store): void {
  follow("(prefers-color-scheme: dark)", (dark) => { store.dark = dark; });
  follow("(max-width: 759px)", (narrow) => { store.narrow = narrow; });
  effect(() => {
    document.documentElement.dataset.theme = store.dark ? "dark" : "light";
  });
}

/** Paper is white, whatever the screen is, and nothing on it can be unfolded. */
function printed(store: Store): void {
  let after: (() => void)[] = [];
  addEventListener("beforeprint", () => {
    const { dark } = store;
    options.debounceRendering = (draw) => draw();
    store.dark = false;
    paintNow();
    options.debounceRendering = queueMicrotask;
    after = [() => { store.dark = dark; }];
    for (const folded of document.querySelectorAll<HTMLDetailsElement>(
      ".all-findings details:not([open])")) {
      folded.open = true;
      after.push(() => { folded.open = false; });
    }
  });
  addEventListener("afterprint", () => after.forEach((undo) => undo()));
}

/** The address follows the view without filling the history; and the other way. */
function linked(store: Store): void {
  let waiting = 0;
  effect(() => {
    const link = store.link;
    clearTimeout(waiting);
    waiting = window.setTimeout(() => {
      try {
        history.replaceState(null, "", `#${link}`);
      } catch {
        // A sandboxed frame has no address of its own.
      }
    }, 250);
  });
  addEventListener("hashchange", () => store.follow(location.hash));
}

function keys(store: Store): void {
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    store.mark(null);
    store.focus = -1;
  });
}

/** Go to a section when one is asked for. */
function sections(store: Store): void {
  effect(() => {
    const wanted = store.section;
    if (!wanted) return;
    requestAnimationFrame(() => {
      document.getElementById(wanted)?.scrollIntoView({ block: "start" });
      store.section = null;
    });
  });
}

/** What the forward pass makes of a row, as `layerwise.pass(row)`: tests compare it with
 * Python's. */
export const pass = (row: number[]) => ownOf(useStore(), row);

const root = document.getElementById("app");
if (root) {
  try {
    start(root);
  } catch (error) {
    root.textContent = `This page cannot be shown: ${String(error)}`;
    root.className = "failed";
    throw error;
  }
}

/**
 * JSX: Preact's `h`, whose components follow the signals that they read, and what a
 * component can keep.
 *
 * `@preact/signals` and `preact/hooks` do this too, for seven kilobytes that are mostly
 * for signals as attributes, contexts and reducers, which no view here uses.
 */

import { effect, signal, untracked, type Signal } from "@preact/signals-core";
import { Component, Fragment, h as element, type FunctionComponent, type RefObject } from "preact";

type Props = Record<string, unknown>;
type View = FunctionComponent<Props>;

/** What a component keeps, in the order in which its view asks for it. */
interface Kept {
  values: { value: unknown; of: readonly unknown[] }[];
  /** To be done when what is drawn is in the document, and when it is taken out. */
  drawn: (() => void)[];
  ended: (() => void)[];
}

/** That of the component which is drawn now, and how much of it was asked for. */
let kept: Kept;
let asked = 0;

const followers = new WeakMap<View, typeof Component<Props>>();

/** A component that draws a view anew when a signal that it read has changed. */
function following(view: View): typeof Component<Props> {
  let found = followers.get(view);
  if (!found) {
    found = class extends Component<Props> {
      #end = () => {};
      #kept: Kept = { values: [], drawn: [], ended: [] };

      override render() {
        this.#end();
        kept = this.#kept;
        asked = 0;
        let drawn: ReturnType<View> | undefined;
        let isFirst = true;
        this.#end = effect(() => {
          if (isFirst) drawn = view(this.props);
          else untracked(() => this.setState({}));
          isFirst = false;
        });
        return drawn;
      }

      override shouldComponentUpdate(next: Props, state: object) {
        const { props } = this;
        return state !== this.state || Object.keys(next).length !== Object.keys(props).length
          || Object.keys(next).some((name) => next[name] !== props[name]);
      }

      override componentDidMount() {
        for (const act of this.#kept.drawn.splice(0)) act();
      }

      override componentDidUpdate() {
        this.componentDidMount();
      }

      override componentWillUnmount() {
        this.#end();
        for (const act of this.#kept.ended) act();
      }
    };
    followers.set(view, found);
  }
  return found;
}

export { Fragment };

export function h(type: string | View, props: Props | null, ...children: unknown[]) {
  const kind = typeof type === "function" && type !== (Fragment as View)
    ? following(type) : type;
  return element(kind as string, props, ...(children as string[]));
}

/** What was made once, and anew where one of these is another. */
export function useMemo<T>(make: () => T, of: readonly unknown[] = []): T {
  const { values } = kept;
  const at = asked++;
  if (!values[at] || of.some((value, i) => value !== values[at]!.of[i])) {
    values[at] = { value: make(), of };
  }
  return values[at].value as T;
}

export const useRef = <T>(): RefObject<T | null> => useMemo(() => ({ current: null }));

/** Act on what is drawn; what this returns is done before it is done again, and at the
 * end. */
export function useEffect(act: () => (() => void) | void, of: readonly unknown[]): void {
  const { drawn, ended } = kept;
  const last = useRef<() => void>();
  const end = () => last.current?.();
  useMemo(() => ended.push(end));
  useMemo(() => drawn.push(() => {
    end();
    last.current = act() ?? null;
  }), of);
}

/** A signal of one component's own. */
export const useSignal = <T>(value: T): Signal<T> => useMemo(() => signal(value));

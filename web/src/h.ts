/**
 * JSX: Preact's `h`, whose components follow the signals that they read.
 *
 * `@preact/signals` does this too, for four kilobytes that are mostly for signals as
 * attributes, which no view here uses.
 */

import { effect, signal, untracked, type Signal } from "@preact/signals-core";
import { Component, Fragment, h as element, type FunctionComponent } from "preact";
import { useMemo } from "preact/hooks";

type Props = Record<string, unknown>;
type View = FunctionComponent<Props>;

const followers = new WeakMap<View, typeof Component<Props>>();

/** A component that draws a view anew when a signal that it read has changed. */
function following(view: View): typeof Component<Props> {
  let found = followers.get(view);
  if (!found) {
    found = class extends Component<Props> {
      #end = () => {};

      override render() {
        this.#end();
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

      override componentWillUnmount() {
        this.#end();
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

/** A signal of one component's own. */
export const useSignal = <T>(value: T): Signal<T> => useMemo(() => signal(value), []);

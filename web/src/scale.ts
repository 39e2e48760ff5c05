/** Axes: from values to places, and where to put ticks. */

export interface Scale {
  (value: number): number;
  /** The value at a place. */
  invert(place: number): number;
  ticks: number[];
}

/** A scale over these values; logarithmic ones leave out what is not above zero. */
export function scaleOf(
  values: Iterable<number>, from: number, to: number, log = false,
): Scale | null {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value) || (log && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return null;
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
  const f = log ? Math.log10 : (value: number) => value;
  const g = log ? (value: number) => 10 ** value : (value: number) => value;
  const [a, b] = [f(low), f(high)];
  const scale = (value: number) => from + ((f(value) - a) / (b - a)) * (to - from);
  return Object.assign(scale, {
    invert: (place: number) => g(a + ((place - from) / (to - from)) * (b - a)),
    ticks: log ? powers(low, high) : steps(low, high, 5),
  });
}

/** Round values between two ends, about so many. */
export function steps(low: number, high: number, about: number): number[] {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((m) => m * power >= rough) ?? 10);
  const found: number[] = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n++) {
    found.push(Number((n * step).toPrecision(12)));
  }
  return found;
}

function powers(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const within = decades > 2 ? [1] : decades > 0.8 ? [1, 3] : [1, 2, 3, 5, 7];
  const found: number[] = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p++) {
    for (const m of within) {
      const value = Number((m * 10 ** p).toPrecision(3));
      if (value >= low && value <= high) found.push(value);
    }
  }
  const skip = Math.ceil(found.length / 6);
  const kept = found.filter((_, i) => i % skip === 0);
  return kept.length > 1 ? kept : steps(low, high, 3).filter((tick) => tick > 0);
}

/** Places at least `gap` from each other, in order, as near as can be to those given. */
export function spread(places: readonly number[], gap: number, low: number, high: number) {
  const order = [...places.keys()].sort((a, b) => places[a]! - places[b]!);
  const moved = [...places];
  let before = low - gap;
  for (const i of order) before = moved[i] = Math.max(moved[i]!, before + gap);
  let after = high + gap;
  for (const i of order.reverse()) after = moved[i] = Math.min(moved[i]!, after - gap);
  return moved;
}

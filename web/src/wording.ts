/** Numbers in sentences, as the Python side writes them. */

export const count = (n: number) => grouped(String(Math.round(n)));

const grouped = (digits: string) => digits.replace(/\B(?=(\d{3})+$)/g, ",");

/** In percent with one decimal, or as many as keep a share from being none or all. */
export function percent(share: number | null | undefined): string {
  if (share == null || !Number.isFinite(share)) return "–";
  if (share === 0 || share === 1) return `${100 * share} %`;
  for (let digits = 1; digits < 4; digits++) {
    const text = (100 * share).toFixed(digits);
    if (Number(text) % 100) return `${text} %`;
  }
  return share < 0.5 ? "< 0.001 %" : "> 99.999 %";
}

/** Of a probability, which is never none or all. */
export const chance = (share: number) =>
  (share > 0.9995 ? "> 99.9 %" : share < 0.0005 ? "< 0.1 %" : percent(share));

/** On axes, where there is little room. */
export function tick(value: number): string {
  const size = Math.abs(value);
  return size && (size >= 1e6 || size < 1e-4) ? value.toExponential()
    : size >= 1e4 ? `${value / 1e3}k` : number(value, 3);
}

/** The same without a decimal, for small places. */
export const wholePercent = (share: number | null | undefined) =>
  (share == null || !Number.isFinite(share) ? "–" : `${Math.round(100 * share)} %`);

export function number(value: number | null | undefined, digits = 4): string {
  if (value == null || !Number.isFinite(value)) return "–";
  const rounded = Number(value.toPrecision(digits));
  return Math.abs(rounded) >= 1e4 && Math.abs(rounded) < 1e9
    ? grouped(String(rounded)) : String(rounded);
}

/** Names can be long: cut in places that are small, whole in titles. */
export const short = (name: string, letters = 18) =>
  (name.length > letters ? `${name.slice(0, letters - 1)}…` : name);

/** A class's name in a sentence: a word has quotes, a number none. */
export const quoted = (name: string) => (/^\d+$/.test(name) ? name : `"${name}"`);

/** "h1" for "hidden1", for strips of many layers. */
export const initials = (name: string) =>
  /^hidden(\d+)$/.exec(name)?.[1]?.replace(/^/, "h")
  ?? (name === "input" ? "in" : name === "output" ? "out" : short(name, 8));

export const plural = (n: number, one: string, many = `${one}s`) =>
  `${count(n)} ${n === 1 ? one : many}`;

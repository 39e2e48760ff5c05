import { expect, test } from "vitest";

const sources = {
  ...import.meta.glob("../src/**/*.{ts,tsx,css}", { query: "?raw", import: "default", eager: true }),
  ...import.meta.glob("./*.ts", { query: "?raw", import: "default", eager: true }),
} as Record<string, string>;

test("no file is longer than 300 lines", () => {
  const lines = Object.entries(sources).map(([name, text]) => (
    { name, lines: text.split("\n").length }));
  expect(lines.length).toBeGreaterThan(40);
  expect(lines.filter((file) => file.lines > 300)).toEqual([]);
});

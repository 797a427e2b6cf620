import { expect, test } from "vitest";

import css from "../src/page.css?raw";

const [light, dark] = [...css.matchAll(/:root \{([^}]*)\}/g)].map((block) => tokens(block[1] ?? ""));

/** Ink, and every ground it is put on. WCAG 2.2, 1.4.3: 4.5:1 for text. */
const TEXT: [string, string[]][] = [
  ["ink", ["ground", "surface", "sunken", "accent-soft", "critical-soft", "urgent-soft", "routine-soft"]],
  ["ink-soft", ["ground", "surface", "sunken", "critical-soft", "urgent-soft", "routine-soft"]],
  ["accent", ["ground", "surface"]],
  ["accent-ink", ["accent"]],
  ["critical", ["surface", "critical-soft"]],
  ["urgent", ["surface", "urgent-soft"]],
  ["routine", ["ground", "surface", "routine-soft"]],
];
/** 1.4.11: 3:1 for what shows where a control is. */
const EDGES: [string, string[]][] = [["line-strong", ["ground", "surface"]]];

function tokens(block: string): Map<string, string> {
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1]!, m[2]!]));
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const part = parseInt(hex.slice(i, i + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high! + 0.05) / (low! + 0.05);
}

test.each([
  ["light", light],
  ["dark", dark],
])("the %s palette can be read", (_, palette) => {
  for (const [pairs, least] of [[TEXT, 4.5], [EDGES, 3]] as const) {
    for (const [ink, grounds] of pairs) {
      for (const ground of grounds) {
        const ratio = contrast(palette!.get(ink)!, palette!.get(ground)!);
        expect(ratio, `${ink} on ${ground}`).toBeGreaterThanOrEqual(least);
      }
    }
  }
});

import { expect, test } from "vitest";

import type { AlertEvent } from "../src/lib/api";
import { MESSAGES } from "../src/lib/messages";
import { refusedWords } from "../src/lib/refused";
import { sampleAlert } from "./sample";

const AT = "2026-02-03T04:10:00Z";
const seen = sampleAlert({ version: 2 });
const newest = sampleAlert({ version: 3 });
const event = (kind: string): AlertEvent => ({ id: 1, kind, at: AT, actor: "dr-02" });
const words = (
  told: { by: string | null; at: string | undefined },
  more: { newest?: typeof newest; kind?: string; deed?: "acknowledge" | "undo" } = {},
): string =>
  refusedWords(
    told,
    more.deed ?? "acknowledge",
    { seen, newest: more.newest ?? newest, log: more.kind ? [event(more.kind)] : [], me: "dr-01" },
    MESSAGES.en,
    (at) => at.slice(11, 16),
  );

test.each([
  ["acknowledged", "Not recorded: dr-02 took this first, at 04:10."],
  ["visited", "Not recorded: dr-02 came to the door first, at 04:10."],
  ["outcome", "Not recorded: dr-02 recorded an outcome first, at 04:10."],
  ["assigned", "Not recorded: dr-02 was quicker, at 04:10. You now see how it stands."],
  ["", "Not recorded: dr-02 was quicker, at 04:10. You now see how it stands."],
])("who was first is named with what they did: %s", (kind, expected) => {
  expect(words({ by: "dr-02", at: AT }, { kind })).toBe(expected);
});

test("oneself on another phone is not somebody else", () => {
  expect(words({ by: "dr-01", at: AT })).toMatch(/^Not recorded: you did something here yourself/);
});

test("readings that moved it, or its own end, are nobody's doing", () => {
  expect(words({ by: null, at: AT })).toBe(MESSAGES.en.failed.overtakenByData);
  const ended = sampleAlert({ version: 3, response: "closed" });
  expect(words({ by: null, at: AT }, { newest: ended })).toBe(MESSAGES.en.refused.ended);
});

test("what the alert does not allow as it stands is said so", () => {
  expect(words({ by: "dr-02", at: AT }, { newest: seen })).toBe(MESSAGES.en.refused.notNow);
});

test("what cannot be taken back says why", () => {
  expect(words({ by: "dr-02", at: AT }, { deed: "undo" })).toBe(
    "It cannot be taken back: dr-02 has acted since.",
  );
  expect(words({ by: "dr-01", at: AT }, { deed: "undo" })).toBe(MESSAGES.en.refused.undoLate);
});

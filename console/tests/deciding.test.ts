import { expect, test } from "vitest";

import type { Json } from "../src/lib/api";
import { deciding, lateOnes, withReadings } from "../src/lib/deciding";
import { MESSAGES } from "../src/lib/messages";
import { sampleAlert } from "./sample";

const readings: Json = [
  { at: "2026-02-03T03:54:00Z", temperature_c: 38.1, quantity: "temperature_c", decides: ["first"], late: true, received_at: "2026-02-03T04:01:00Z" },
  { at: "2026-02-03T03:55:00Z", temperature_c: 38.2, quantity: "temperature_c", decides: [], late: true },
  { at: "2026-02-03T04:05:00Z", temperature_c: 38.6, quantity: "temperature_c", decides: ["worst", "newest"], late: false },
];
const fever = sampleAlert({ evidence: { readings } });

test("those that decide are said, and which came late", () => {
  expect(deciding(fever, MESSAGES.en)).toEqual([
    { why: "First", value: "38.1 °C", at: "2026-02-03T03:54:00Z", receivedAt: "2026-02-03T04:01:00Z" },
    { why: "Worst, Newest", value: "38.6 °C", at: "2026-02-03T04:05:00Z", receivedAt: undefined },
  ]);
  expect(lateOnes(fever)).toBe(2);
});

test.each([
  [{ quantity: "pulse_bpm", pulse_bpm: 112 }, "112 /min"],
  [{ quantity: "spo2_pct", spo2_pct: 88 }, "88 %"],
  [{ quantity: "distance_m", distance_m: 312.4 }, "312 m"],
  [{ quantity: "distance_m", near_home: true }, "heard the home beacon"],
  [{ quantity: "battery_pct", battery_pct: 9 }, "9 %"],
  [{ quantity: "worn", worn: false }, "not worn"],
  [{ quantity: "worn", pulse_bpm: 0 }, "not worn"],
  [{ quantity: "worn", worn: true }, "worn"],
  [{}, "heard"],
])("%j is %s", (given, words) => {
  const one = { at: "2026-02-03T03:54:00Z", decides: ["newest"], ...given };
  const alert = sampleAlert({ evidence: { readings: [one] as unknown as Json } });
  expect(deciding(alert, MESSAGES.en)[0]?.value).toBe(words);
});

test("an alert of the list has no readings, and keeps those that were asked for", () => {
  const listed = sampleAlert({ version: 2 });
  expect(deciding(listed, MESSAGES.en)).toEqual([]);
  expect(withReadings(listed, fever)).toMatchObject({ version: 2, evidence: { readings } });
  expect(withReadings(listed, listed)).toBe(listed);
});

import { expect, test } from "vitest";

import type { TrackRecord } from "../src/lib/api";
import { MESSAGES } from "../src/lib/messages";
import { recordOf } from "../src/lib/record";
import { sampleAlert } from "./sample";

const told = (device: [number, number], rule: [number, number]): TrackRecord => ({
  device: { false: device[0], judged: device[1], swap_proposed: false },
  rule: { false: rule[0], judged: rule[1] },
});

test.each([
  [told([4, 5], [2, 10]), "This band: 4 of 5 earlier alerts were false; alerts of this kind: 2 of 10."],
  [told([0, 3], [0, 0]), "This band: none of 3 earlier alerts was false."],
  [told([0, 0], [2, 10]), "Alerts of this kind: 2 of 10 earlier ones were false."],
])("%j", (track_record, line) => {
  expect(recordOf(sampleAlert({ track_record }), MESSAGES.en)?.line).toBe(line);
});

test("what nobody has judged is not said", () => {
  expect(recordOf(sampleAlert({ track_record: told([0, 0], [0, 0]) }), MESSAGES.en)).toBeUndefined();
  expect(recordOf(sampleAlert(), MESSAGES.en)).toBeUndefined();
});

test("no record stands without a word that somebody looks, of a critical one least of all", () => {
  const track_record = told([5, 5], [9, 9]);
  for (const say of Object.values(MESSAGES)) {
    const { still, stillCritical } = say.record;
    expect(recordOf(sampleAlert({ track_record }), say)?.still).toBe(still);
    const critical = sampleAlert({ track_record, severity: "critical" });
    expect(recordOf(critical, say)?.still).toBe(stillCritical);
  }
});

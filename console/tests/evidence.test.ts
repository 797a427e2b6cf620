import { expect, test } from "vitest";

import { line, rows } from "../src/lib/evidence";
import { MESSAGES } from "../src/lib/messages";
import { sampleAlert } from "./sample";

const NOW = Date.parse("2026-02-03T04:30:00Z");
const SUMMARY = "38.4 °C at the armpit for 11 min, limit 37.5";
const fever = sampleAlert({
  summary: SUMMARY,
  evidence: { value: 38.4, peak: 38.6, limit: 37.5, origin: "dr-02", site: "axillary" },
});
const silence = sampleAlert({ rule: "silent", evidence: { value: 900, limit: 900 } });

function said(alert: typeof fever, now = NOW): Record<string, string> {
  const found = rows(alert, MESSAGES.en, now, (at) => at.slice(11, 16));
  return Object.fromEntries(found.map((row) => [row.label, [row.value, row.note].join(" ").trim()]));
}

test("the value, the threshold and whose it is, and for how long", () => {
  expect(said(fever)).toMatchObject({
    Temperature: "38.4 °C armpit",
    "Highest so far": "38.6 °C",
    Threshold: "37.5 °C set for this person (dr-02)",
    "Seen for": "11 min",
    Began: "03:54",
  });
});

test("a silence is as long as it is now, until something is heard", () => {
  expect(said(silence)["Nothing received for"]).toBe("36 min");
  expect(said(silence, NOW + 3_600_000)["Nothing received for"]).toBe("1 h 36 min");
  const heard = { ...silence, cleared_at: "2026-02-03T04:24:00Z" };
  expect(said(heard, NOW + 3_600_000)["Nothing received for"]).toBe("30 min");
});

test("English is the service's own line, Chinese is made from the figures", () => {
  expect(line(fever, "en", NOW)).toBe(SUMMARY);
  expect(line(fever, "zh", NOW)).toBe("腋下 38.4 °C，已持续 11 分钟，阈值 37.5 °C");
});

test("what is not known is left out, and the service's line stands", () => {
  const bare = sampleAlert({ rule: "a rule of next year", summary: "something" });
  expect(line(bare, "zh", NOW)).toBe("something");
  expect(Object.keys(said(bare))).toEqual(["Seen for", "Began", "Latest reading", "Band"]);
});

import { expect, test } from "vitest";

import type { Json } from "../src/lib/api";
import { line, rows } from "../src/lib/evidence";
import { LINES, MESSAGES } from "../src/lib/messages";
import { sampleAlert } from "./sample";

const NIGHTS: Json = [
  { night: "2026-02-03", level: "yellow", resting_pulse_bpm: 63, baseline_bpm: 60 },
  { night: "2026-02-04", level: "red", resting_pulse_bpm: 66, baseline_bpm: 60 },
];
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

const CASES: [string, Record<string, Json>, string][] = [
  ["pulse", { value: 128, limit: 131 }, "静息脉搏 128 /min，已持续 11 分钟，阈值 131 /min"],
  ["oxygen", { value: 88, limit: 91 }, "血氧 88 %，已持续 11 分钟，阈值 91 %"],
  ["fever", { value: 39.4, limit: 37.3, critical_from: 39.1, site: "axillary" }, "腋下 39.4 °C，已持续 11 分钟，阈值 37.3 °C，39.1 °C 起为危急"],
  ["not_worn", { value: 0, limit: 0 }, "手环没有佩戴，已持续 11 分钟"],
  ["battery_low", { value: 12, limit: 15 }, "电量 12 %，未在充电，阈值 15 %"],
  ["battery_low", { rule: "silent", value: 900, limit: 900, explained_by: "battery", battery_pct: 3 }, "最后电量 3 %，已有 36 分钟没有收到消息"],
  ["device_fault", { cause: "rejected messages", bad: 12, of: 20 }, "最近 20 条消息中有 12 条无法使用"],
  ["device_fault", { cause: "frozen temperature", temperature_c: 36.5 }, "体温读数（36.5 °C）已有 11 分钟没有变化"],
  ["device_fault", { cause: "frozen pulse" }, "脉搏读数已有 11 分钟没有变化"],
  ["device_fault", { cause: "wrong datum", datum: "bd09" }, "地图上的住址似乎取自百度坐标，请核对地址"],
  ["watch", { value: 66, nights: NIGHTS }, "夜间静息脉搏 66 /min，平时 60 /min，已连续 2 晚"],
];

test.each(CASES)("the Chinese line of %s %j", (rule, evidence, expected) => {
  expect(line(sampleAlert({ rule, evidence }), "zh", NOW)).toBe(expected);
});

test("every rule has a line in Chinese", () => {
  expect(Object.keys(LINES.zh).sort()).toEqual(Object.keys(MESSAGES.en.rule).sort());
});

test("a line without its figures is the service's own", () => {
  const bare = sampleAlert({ rule: "oxygen", summary: "as the service has it" });
  expect(line(bare, "zh", NOW)).toBe("as the service has it");
});

test("a critical case says by which bound it began", () => {
  const low = sampleAlert({ rule: "oxygen", evidence: { value: 88, threshold: 93, limit: 91, origin: "rulebook" } });
  expect(said(low)["Threshold"]).toBe("91 % standard, from the rulebook; began at 93 %");
  const hot = { value: 39.4, threshold: 37.3, limit: 37.3, critical_from: 39.1 };
  expect(said(sampleAlert({ evidence: hot }))["Threshold"]).toBe("37.3 °C critical from 39.1 °C");
});

test("what is wrong with a band, and the nights of a watch", () => {
  const fault = sampleAlert({ rule: "device_fault", evidence: { cause: "frozen pulse", pulse_bpm: 70 } });
  expect(said(fault)["What is wrong"]).toBe("pulse unchanged at 70 /min for 11 min");
  const watch = sampleAlert({ rule: "watch", evidence: { value: 66, nights: NIGHTS } });
  expect(said(watch)).toMatchObject({
    "Resting pulse at night": "66 /min",
    "2026-02-04": "66 /min high, usually 60 /min",
    "2026-02-03": "63 /min raised, usually 60 /min",
  });
});

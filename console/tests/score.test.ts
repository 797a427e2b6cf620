import { expect, test } from "vitest";

import { MESSAGES } from "../src/lib/messages";
import { scoreOf } from "../src/lib/score";
import { sampleAlert } from "./sample";

const TOLD = {
  name: "Partial NEWS2 (temperature, pulse, oxygen)",
  total: 3,
  missing: ["oxygen"],
  temperature: { points: 1, value: 38.4, at: "2026-02-03T04:05:00Z" },
  pulse: { points: 2, value: 112, at: "2026-02-03T04:05:00Z" },
};

function said(partial_news2: object): { label: string; value: string; note?: string } | undefined {
  return scoreOf(sampleAlert({ evidence: { partial_news2: { ...partial_news2 } } }), MESSAGES.en);
}

test("the points, what they rest on, and what is not known", () => {
  expect(said(TOLD)).toEqual({
    label: "Partial NEWS2 (temperature, pulse, oxygen)",
    value: "3 points",
    note: "temperature 1 (38.4 °C); pulse 2 (112 /min); not known: oxygen",
    wide: true,
  });
});

test("of whom nothing is known there is no zero", () => {
  const nothing = { total: 0, missing: ["temperature", "pulse", "oxygen"] };
  expect(said(nothing)).toEqual({
    label: "Partial NEWS2 (temperature, pulse, oxygen)",
    value: "Not known",
    wide: true,
  });
});

test("children have no sum", () => {
  const child = { total: null, note: "not for people under 16" };
  expect(said(child)).toMatchObject({ value: "Not known", note: "not for people under 16" });
});

test("where the service told none there is no row", () => {
  expect(scoreOf(sampleAlert(), MESSAGES.en)).toBeUndefined();
});

test("it is never called NEWS2", () => {
  for (const say of Object.values(MESSAGES)) {
    expect(say.score.name.replace(/^(Partial |部分 )NEWS2/, "")).not.toContain("NEWS2");
    expect(say.score.name).not.toMatch(/^NEWS2/);
  }
});

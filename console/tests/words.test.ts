import { expect, test } from "vitest";

import { serviceClock, serviceNow } from "../src/lib/clock";
import { MESSAGES } from "../src/lib/messages";
import { metres, span, typedTemperature } from "../src/lib/words";

const MINUTE = 60_000;

test.each([
  [-5, "less than a minute"],
  [59_999, "less than a minute"],
  [MINUTE, "1 min"],
  [59.9 * MINUTE, "59 min"],
  [60 * MINUTE, "1 h"],
  [125 * MINUTE, "2 h 5 min"],
  [24 * 60 * MINUTE, "1 d"],
  [(24 * 60 + 61) * MINUTE, "1 d 1 h"],
])("%d ms are %s", (length, words) => {
  expect(span(length, MESSAGES.en)).toBe(words);
});

test.each([
  ["37.6", 37.6],
  [" 38,25 ", 38.25],
  ["３７", undefined],
  ["38。1", 38.1],
  ["376", undefined],
  ["29.9", undefined],
  ["45.1", undefined],
  ["", undefined],
  ["1e2", undefined],
])("%j typed at the door is %s", (text, value) => {
  expect(typedTemperature(text)).toBe(value);
});

test("distances are in metres, long ones in kilometres", () => {
  expect(metres(183.6)).toBe("184 m");
  expect(metres(1840)).toBe("1.8 km");
});

test("the service's clock runs on from what it said, at its own pace", () => {
  const clock = serviceClock({ now: "2026-02-03T04:00:00Z", factor: 60 }, 1_000);
  expect(new Date(serviceNow(clock, 3_000)).toISOString()).toBe("2026-02-03T04:02:00.000Z");
  expect(serviceNow(serviceClock(undefined, 5), 77)).toBe(77);
});

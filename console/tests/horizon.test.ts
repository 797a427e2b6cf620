import { expect, test } from "vitest";

import type { Signal } from "../src/lib/api";
import { CLEAR, gapOf, graveWord, heard, listed, notices, reopened, type Horizon } from "../src/lib/horizon";
import { MESSAGES } from "../src/lib/messages";

const AT = "2026-02-03T03:12:00Z";
const signal = (kind: string, more: Partial<Signal> = {}): Signal => ({
  kind,
  active: true,
  since: AT,
  ...more,
});
const said = (horizon: Horizon): string[] =>
  notices(horizon, MESSAGES.en, (at) => at.slice(11, 16)).map((notice) => notice.words);
const kinds = (horizon: Horizon): string[] =>
  notices(horizon, MESSAGES.en, String).map((notice) => `${notice.kind}${notice.grave ? "!" : ""}`);

test("what stands is said with its time, and is gone when it ends", () => {
  const blind = heard(CLEAR, signal("blind"));
  expect(said(blind)[0]).toMatch(/^No word from the bands since 03:12: what you see may be old/);
  expect(said(heard(blind, signal("blind", { active: false })))).toEqual([]);
});

test("a service that never heard anything says so", () => {
  expect(said(heard(CLEAR, signal("blind", { since: null })))[0]).toMatch(/^No word from the bands yet/);
});

test("blind and stalled are grave and come first; a gap is said at its band alone", () => {
  const items = ["rejections", "gap", "undeliverable", "stalled", "session_lost", "blind"].map((kind) =>
    signal(kind, kind === "gap" ? { device: "w-1" } : {}),
  );
  const horizon = listed(CLEAR, items, true);
  expect(kinds(horizon)).toEqual(["blind!", "stalled!", "rejections", "session_lost", "undeliverable"]);
  expect(gapOf(horizon, "w-1")).toBe(AT);
  expect(gapOf(horizon, "w-2")).toBeUndefined();
});

test("several of a kind are one notice, as old as the oldest", () => {
  const items = [
    signal("undeliverable", { subject: "feed:a", since: "2026-02-03T04:00:00Z" }),
    signal("undeliverable", { subject: "feed:b" }),
  ];
  const found = notices(listed(CLEAR, items, true), MESSAGES.en, (at) => at.slice(11, 16));
  expect(found).toHaveLength(1);
  expect(found[0]?.words).toContain("03:12");
  // One more is another notice: whoever put the first away is told again.
  const more = listed(CLEAR, [...items, signal("undeliverable", { subject: "feed:c" })], true);
  expect(notices(more, MESSAGES.en, String)[0]?.key).not.toBe(found[0]?.key);
});

test("a kind of next year is said as it is called", () => {
  expect(said(heard(CLEAR, signal("fogged")))).toEqual(["The service reports “fogged” since 03:12."]);
});

test("an older list does not bring back what has ended", () => {
  const over = heard(heard(CLEAR, signal("blind")), signal("blind", { active: false }));
  expect(kinds(listed(over, [signal("blind")], true))).toEqual([]);
  const anew = signal("blind", { since: "2026-02-03T05:00:00Z" });
  expect(kinds(listed(over, [anew], true))).toEqual(["blind!"]);
});

test("what the stream told stands whatever a list says, until it opens anew", () => {
  const told = heard(CLEAR, signal("blind"));
  expect(kinds(listed(told, [], true))).toEqual(["blind!"]);
  expect(kinds(reopened(told))).toEqual(["blind!"]);
  expect(kinds(listed(reopened(told), [], true))).toEqual([]);
});

test("a list that was cut off ends nothing", () => {
  const listedOnce = listed(CLEAR, [signal("stalled")], true);
  expect(kinds(listed(listedOnce, [signal("gap", { device: "w-1" })], false))).toEqual(["stalled!"]);
  expect(kinds(listed(listedOnce, [], true))).toEqual([]);
});

test("the bar on top does not say live while the service hears nothing", () => {
  expect(graveWord(CLEAR, MESSAGES.en)).toBeUndefined();
  expect(graveWord(listed(CLEAR, [signal("undeliverable")], true), MESSAGES.en)).toBeUndefined();
  const stalled = listed(CLEAR, [signal("stalled")], true);
  expect(graveWord(stalled, MESSAGES.en)).toBe("Not stored");
  expect(graveWord(heard(stalled, signal("blind")), MESSAGES.en)).toBe("Bands silent");
});

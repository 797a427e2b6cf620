import { expect, test } from "vitest";

import type { Alert, Change } from "../src/lib/api";
import { asking, EMPTY, folded, merged, waiting, type Board } from "../src/lib/board";
import { sampleAlert } from "./sample";

const change = (after: Alert, type: Change["type"] = "update"): Change => ({
  type,
  before: null,
  after,
});
const ids = (board: Board): string[] => waiting(board).map((alert) => alert.id);

test("a new alert appears, a closed one leaves", () => {
  const fever = sampleAlert({ id: "a" });
  let board = folded(EMPTY, change(fever, "new"));
  expect(ids(board)).toEqual(["a"]);
  board = folded(board, change({ ...fever, version: 2, response: "closed" }, "end"));
  expect(ids(board)).toEqual([]);
});

test("a change heard twice, or late, changes nothing", () => {
  const first = sampleAlert({ id: "a" });
  const second = { ...first, version: 2, response: "acknowledged" as const };
  const board = folded(folded(EMPTY, change(first, "new")), change(second));
  expect(folded(board, change(second)).alerts).toEqual(board.alerts);
  expect(folded(board, change(first)).alerts.get("a")).toEqual(second);
});

test("newer evidence of the same version counts", () => {
  const earlier = sampleAlert({ id: "a", last_at: "2026-02-03T04:05:00Z" });
  const later = { ...earlier, last_at: "2026-02-03T04:06:00.5Z" };
  const board = folded(folded(EMPTY, change(later)), change(earlier));
  expect(board.alerts.get("a")).toEqual(later);
});

test("a snapshot older than a change does not undo it", () => {
  const open = sampleAlert({ id: "a" });
  let board = asking(folded(EMPTY, change(open, "new")));
  board = folded(board, change({ ...open, version: 2, response: "closed" }, "end"));
  board = folded(board, change(sampleAlert({ id: "b" }), "new"));
  expect(ids(merged(board, [open]))).toEqual(["b"]);
});

test("what a snapshot no longer names was closed while nobody listened", () => {
  const board = asking(folded(EMPTY, change(sampleAlert({ id: "a" }), "new")));
  expect(ids(merged(board, [sampleAlert({ id: "b" })]))).toEqual(["b"]);
});

test("most urgent first: severity, then untaken, then still so, then the vulnerable, then the longest wait", () => {
  const alerts = [
    sampleAlert({ id: "routine", severity: "routine", raised_at: "2026-02-03T01:00:00Z" }),
    sampleAlert({ id: "passed", condition: "cleared" }),
    sampleAlert({ id: "taken", response: "visiting", raised_at: "2026-02-03T01:00:00Z" }),
    sampleAlert({ id: "younger", raised_at: "2026-02-03T05:00:00Z" }),
    sampleAlert({ id: "older" }),
    sampleAlert({ id: "alone", vulnerable: true, raised_at: "2026-02-03T05:30:00Z" }),
    sampleAlert({ id: "critical", severity: "critical", raised_at: "2026-02-03T06:00:00Z" }),
  ];
  const board = merged(EMPTY, alerts);
  expect(ids(board)).toEqual(["critical", "alone", "older", "younger", "passed", "taken", "routine"]);
  expect(ids(merged(EMPTY, [...alerts].reverse()))).toEqual(ids(board));
});

import { expect, test } from "vitest";

import { grouped, neighbours, peopleNear, withGroup } from "../src/lib/grouping";
import { sampleAlert } from "./sample";

const soft = { severity: "routine", device: "w-9", group: "device:w-9" } as const;

test("the routine alerts of a doubtful band stand together where the first one stood", () => {
  const alerts = [
    sampleAlert({ id: "fever", device: "w-9", group: null }),
    sampleAlert({ ...soft, id: "battery" }),
    sampleAlert({ id: "other", severity: "routine" }),
    sampleAlert({ ...soft, id: "off" }),
  ];
  const entries = grouped(alerts);
  expect(entries.map((entry) => entry.key)).toEqual(["fever", "device:w-9", "other"]);
  expect(entries[1]).toMatchObject({ kind: "band", device: "w-9", alerts: [{ id: "battery" }, { id: "off" }] });
});

test("what has become urgent stands by itself", () => {
  const [entry] = grouped([sampleAlert({ ...soft, severity: "urgent" })]);
  expect(entry?.kind).toBe("one");
});

test("an alert of the stream joins the group of its band, unless it is urgent", () => {
  const known = [sampleAlert({ ...soft, id: "battery" })];
  const fresh = sampleAlert({ id: "off", severity: "routine", device: "w-9" });
  expect(withGroup(fresh, known).group).toBe("device:w-9");
  expect(withGroup({ ...fresh, severity: "urgent" }, known).group).toBeUndefined();
  expect(withGroup({ ...fresh, device: "w-1" }, known).group).toBeUndefined();
  // The service has said that it is in none.
  expect(withGroup({ ...fresh, group: null }, known).group).toBeNull();
});

test("neighbours are of the same building of the same grid", () => {
  const alerts = [
    sampleAlert({ id: "me" }),
    sampleAlert({ id: "here" }),
    sampleAlert({ id: "there", building: "4" }),
    sampleAlert({ id: "elsewhere", grid: "grid-04" }),
  ];
  expect(neighbours(alerts[0]!, alerts).map((alert) => alert.id)).toEqual(["here"]);
  expect(peopleNear(alerts[0]!, alerts)).toBe(0);
  const others = ["p-2", "p-3", "p-2"].map((person, n) => sampleAlert({ id: `n-${n}`, person }));
  expect(peopleNear(alerts[0]!, [...alerts, ...others])).toBe(2);
  expect(neighbours(sampleAlert({ building: "" }), [sampleAlert({ id: "x", building: "" })])).toEqual([]);
});

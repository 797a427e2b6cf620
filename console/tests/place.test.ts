import { expect, test } from "vitest";

import type { Fix } from "../src/lib/api";
import { MESSAGES } from "../src/lib/messages";
import { coordinates, geoAddress, placeWords, wayOf } from "../src/lib/place";

const NOW = Date.parse("2026-02-03T04:30:00Z");
const FIX: Fix = {
  at: "2026-02-03T04:18:00Z",
  lat: 32.063,
  lon: 118.79,
  accuracy_m: 12.4,
  near_home: false,
  distance_m: 332.7,
  direction_deg: 44,
};
const said = (more: Partial<Fix>, say = MESSAGES.en): string[] =>
  placeWords({ ...FIX, ...more }, say, NOW, (at) => at.slice(11, 16));

test("how far, which way, how exact, how old", () => {
  expect(said({})).toEqual([
    "333 m north-east of home",
    "give or take 12 m",
    "measured 12 min ago, at 04:18",
  ]);
  expect(said({}, MESSAGES.zh)[0]).toBe("在家的东北方，约 333 m");
});

test("the beacon counts for more than the satellites", () => {
  expect(said({ near_home: true })[0]).toBe("The band hears the home beacon: at home.");
});

test("what is not known is left out or said to be unknown", () => {
  expect(said({ distance_m: null, direction_deg: null, accuracy_m: null })).toEqual([
    "accuracy not known",
    "measured 12 min ago, at 04:18",
  ]);
  expect(said({ distance_m: 0, direction_deg: null })[0]).toBe("At home");
});

test("an old position says that it is old", () => {
  expect(said({ at: "2026-02-03T04:09:00Z" })).toContain(MESSAGES.en.place.old);
});

test.each([
  [0, "north"],
  [22, "north"],
  [23, "north-east"],
  [90, "east"],
  [270, "west"],
  [338, "north"],
  [359, "north"],
])("%d degrees are %s", (degrees, way) => {
  expect(wayOf(degrees, MESSAGES.en)).toBe(way);
});

test("a map app is told by RFC 5870, with how exact it is", () => {
  expect(geoAddress(FIX)).toBe("geo:32.063,118.79;u=12");
  expect(geoAddress({ ...FIX, accuracy_m: null })).toBe("geo:32.063,118.79");
  expect(coordinates(FIX)).toBe("32.06300, 118.79000");
});

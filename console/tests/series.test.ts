import { expect, test } from "vitest";

import { seriesOf, stepFor } from "../src/lib/series";

const at = (minute: number): string => new Date(minute * 60_000).toISOString();

test("a gap breaks the line, a steady pace does not", () => {
  const minutes = [0, 1, 2, 3, 33, 34];
  const readings = minutes.map((minute) => ({ at: at(minute), temperature_c: 36.5 }));
  const { times, values } = seriesOf(readings, "temperature_c", "w-1");
  expect(values).toEqual([36.5, 36.5, 36.5, 36.5, null, 36.5, 36.5]);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test("a reading without the quantity, or pulse 0, is no point", () => {
  const readings = [
    { at: at(0), pulse_bpm: 0 },
    { at: at(1), pulse_bpm: 71 },
    { at: at(2), temperature_c: 36.5, pulse_bpm: null },
  ];
  expect(seriesOf(readings, "pulse_bpm", "w-1").values).toEqual([71]);
  expect(seriesOf([], "pulse_bpm", "w-1").values).toEqual([]);
});

test("the alert's own device is drawn, another only where it measures nothing of the kind", () => {
  const readings = [
    { at: at(0), device: "band", temperature_c: 34.1 },
    { at: at(0), device: "ear", temperature_c: 36.9 },
    { at: at(1), device: "ear", pulse_bpm: 70 },
  ];
  expect(seriesOf(readings, "temperature_c", "band").values).toEqual([34.1]);
  expect(seriesOf(readings, "pulse_bpm", "band").values).toEqual([70]);
});

test("steps are whole minutes, about three hundred of them", () => {
  expect(stepFor(1)).toBe(60);
  expect(stepFor(72)).toBe(840);
});

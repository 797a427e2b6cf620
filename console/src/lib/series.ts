/** Readings as lines to draw: which quantities suit a rule, and where a line must break. Pure. */

import type { Alert, Reading } from "./api";

export type Quantity = "temperature_c" | "pulse_bpm" | "spo2_pct" | "distance_m";

export interface Series {
  quantity: Quantity;
  /** Seconds since 1970, rising. */
  times: number[];
  /** `null` breaks the line: nothing was received there, and a line would invent readings. */
  values: (number | null)[];
}

const SUITED: Record<string, readonly Quantity[]> = {
  oxygen: ["spo2_pct", "pulse_bpm"],
  pulse: ["pulse_bpm", "temperature_c"],
  watch: ["pulse_bpm", "temperature_c"],
  left_home: ["distance_m", "temperature_c", "pulse_bpm"],
};

/** The quantities to draw for a rule, the telling one first. */
export function suited(rule: string): readonly Quantity[] {
  return SUITED[rule] ?? ["temperature_c", "pulse_bpm"];
}

/**
 * One line: of the alert's own device if that measures the quantity, else of all that do. (A band
 * and an ear thermometer in one line would only show how far they are apart.)
 */
export function seriesOf(
  readings: readonly Reading[],
  quantity: Quantity,
  device: string,
): Series {
  const measured = readings.filter((reading) => valueOf(reading, quantity) !== undefined);
  const own = measured.filter((reading) => reading.device === device);
  const drawn = own.length > 0 ? own : measured;
  const times = drawn.map((reading) => Date.parse(reading.at) / 1000);
  return { quantity, ...broken(times, drawn.map((reading) => valueOf(reading, quantity) ?? null)) };
}

/** Pulse 0 means no contact, not a pulse. */
function valueOf(reading: Reading, quantity: Quantity): number | undefined {
  const value = reading[quantity] ?? undefined;
  return quantity === "pulse_bpm" && value === 0 ? undefined : value;
}

/** Seconds between readings wide enough for about 300 of them across `spanHours`; 0 for a short span. */
export function stepFor(spanHours: number): number {
  return Math.max(60, Math.round((spanHours * 3600) / 300 / 60) * 60);
}

/** The temperature threshold an alert was judged by, where that is what it was judged by. */
export function limitOf(alert: Alert, quantity: Quantity): number | undefined {
  const judged = JUDGED[alert.rule];
  const limit = alert.evidence["limit"];
  return judged === quantity && typeof limit === "number" ? limit : undefined;
}

const JUDGED: Record<string, Quantity> = {
  fever: "temperature_c",
  pulse: "pulse_bpm",
  oxygen: "spo2_pct",
  left_home: "distance_m",
};

function broken(
  times: readonly number[],
  values: readonly (number | null)[],
): { times: number[]; values: (number | null)[] } {
  const widest = 4 * median(times.slice(1).map((time, i) => time - (times[i] ?? time)));
  const out = { times: [] as number[], values: [] as (number | null)[] };
  times.forEach((time, i) => {
    const before = times[i - 1];
    if (before !== undefined && time - before > Math.max(widest, 120)) {
      out.times.push((before + time) / 2);
      out.values.push(null);
    }
    out.times.push(time);
    out.values.push(values[i] ?? null);
  });
  return out;
}

function median(figures: number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The readings that decide an alert: the first, the worst and the newest. Pure. */

import type { Alert, Json, Reading } from "./api";
import type { Messages } from "./messages";
import { celsius, metres, percent, perMinute } from "./words";

export interface Shown extends Reading {
  received_at?: string;
  /** The field the rule judged; absent where every reading counts. */
  quantity?: string;
  /** `first`, `worst`, `newest`. */
  decides?: readonly string[];
  /** It came after a later one had been judged. */
  late?: boolean;
  battery_pct?: number;
  worn?: boolean;
}

export interface Deciding {
  why: string;
  value: string;
  at: string;
  /** When it was received, of one that came late. */
  receivedAt: string | undefined;
}

/** Those readings in words, in order of time; none where the alert came without its readings. */
export function deciding(alert: Alert, say: Messages): Deciding[] {
  return shown(alert)
    .filter((reading) => (reading.decides ?? []).length > 0)
    .map((reading) => ({
      why: (reading.decides ?? []).map((why) => say.decides[why] ?? why).join(say.score.and),
      value: valueOf(reading, say),
      at: reading.at,
      receivedAt: reading.late ? (reading.received_at ?? reading.at) : undefined,
    }));
}

/** How many of the readings behind an alert came late. */
export function lateOnes(alert: Alert): number {
  return shown(alert).filter((reading) => reading.late).length;
}

/** The readings stay those of the alert that was asked for: the board's copy has none. */
export function withReadings(newest: Alert, whole: Alert): Alert {
  const readings = whole.evidence["readings"];
  if (readings === undefined || newest.evidence["readings"] !== undefined) return newest;
  return { ...newest, evidence: { ...newest.evidence, readings } };
}

function shown(alert: Alert): readonly Shown[] {
  const told: Json | undefined = alert.evidence["readings"];
  return Array.isArray(told) ? (told as unknown as Shown[]) : [];
}

function valueOf(reading: Shown, say: Messages): string {
  const { temperature_c, pulse_bpm, spo2_pct, distance_m, battery_pct, worn } = reading;
  switch (reading.quantity) {
    case "temperature_c":
      return temperature_c == null ? "" : celsius(temperature_c);
    case "pulse_bpm":
      return pulse_bpm == null ? "" : perMinute(pulse_bpm);
    case "spo2_pct":
      return spo2_pct == null ? "" : percent(spo2_pct);
    case "distance_m":
      return distance_m == null ? say.evidence.beacon : metres(distance_m);
    case "battery_pct":
      return battery_pct == null ? "" : percent(battery_pct);
    case "worn":
      return worn === false || pulse_bpm === 0 ? say.evidence.off : say.evidence.on;
    default:
      return say.evidence.heard;
  }
}

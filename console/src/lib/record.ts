/**
 * What became of earlier alerts of a band and of a rule, in one line. Pure.
 *
 * It speaks of the band, never of the person, and never alone: behind it stands that this alert is
 * looked at all the same.
 */

import type { Alert } from "./api";
import type { Messages } from "./messages";

export interface PastRecord {
  line: string;
  /** What follows from it: that somebody looks. */
  still: string;
}

/** Undefined where nothing has been judged, or the service told nothing. */
export function recordOf(alert: Alert, say: Messages): PastRecord | undefined {
  const told = alert.track_record;
  if (!told) return undefined;
  const { record } = say;
  const parts: string[] = [];
  if (told.device.judged > 0) parts.push(record.band(told.device.false, told.device.judged));
  if (told.rule.judged > 0) {
    const words = parts.length > 0 ? record.rule : record.ruleOnly;
    parts.push(words(told.rule.false, told.rule.judged));
  }
  if (parts.length === 0) return undefined;
  const still = alert.severity === "critical" ? record.stillCritical : record.still;
  return { line: parts.join(say.score.then) + record.end, still };
}

/**
 * What an alert rests on, in rows a person can read: the value, the threshold and where it comes
 * from, for how long. Pure. Unknown or missing evidence leaves a row out; it never invents one.
 */

import type { Alert, Json } from "./api";
import { LINES, MESSAGES, type Language, type Messages } from "./messages";
import { celsius, metres, span } from "./words";

export interface Row {
  label: string;
  value: string;
  note?: string;
}

type Figure = (value: number, say: Messages) => string;
type Label =
  | "temperature"
  | "highest"
  | "distance"
  | "farthest"
  | "silentFor"
  | "pulse"
  | "oxygen"
  | "battery"
  | "limit"
  | "limitSilent"
  | "fence"
  | "interval";

interface Reads {
  value: Label;
  peak?: Label;
  limit: Label;
  figure: Figure;
}

const perMinute: Figure = (value) => `${Math.round(value)} /min`;
const percent: Figure = (value) => `${Math.round(value)} %`;
const seconds: Figure = (value, say) => span(value * 1000, say);

/** What `value`, `peak` and `limit` of the evidence mean, by rule. */
const READS: Record<string, Reads> = {
  fever: { value: "temperature", peak: "highest", limit: "limit", figure: celsius },
  left_home: { value: "distance", peak: "farthest", limit: "limit", figure: metres },
  silent: { value: "silentFor", limit: "limitSilent", figure: seconds },
  pulse: { value: "pulse", limit: "limit", figure: perMinute },
  oxygen: { value: "oxygen", limit: "limit", figure: percent },
  battery_low: { value: "battery", limit: "limit", figure: percent },
};

/** The line that says why: the service's own, or in another language than its own from the figures. */
export function line(alert: Alert, language: Language, now: number): string {
  const say = MESSAGES[language];
  const words = LINES[language][alert.rule];
  const reads = READS[alert.rule];
  const [value, limit] = [valueOf(alert, now), figureOf(alert, "limit")];
  if (!words || !reads || value === undefined || limit === undefined) return alert.summary;
  return words({
    value: reads.figure(value, say),
    limit: reads.figure(limit, say),
    site: siteOf(alert, say) ?? "",
    held: span(heldMs(alert), say),
  });
}

/** Every fact, the telling one first. `when` puts an instant in words. */
export function rows(
  alert: Alert,
  say: Messages,
  now: number,
  when: (at: string) => string,
): Row[] {
  const words = say.evidence;
  const found: Row[] = [...figures(alert, say, now)];
  if (alert.rule === "silent") {
    found.push({ label: words.lastHeard, value: when(alert.onset_at) });
  } else {
    found.push({ label: words.held, value: span(heldMs(alert), say) });
    found.push({ label: words.began, value: when(alert.onset_at) });
    found.push({ label: words.latest, value: when(alert.last_at) });
  }
  if (alert.cleared_at) found.push({ label: words.ended, value: when(alert.cleared_at) });
  found.push({ label: words.device, value: alert.device });
  const rulebook = alert.evidence["rulebook_version"];
  if (typeof rulebook === "string") found.push({ label: words.rulebook, value: rulebook });
  return found;
}

/** Whether readings that came later still bear the alert out. */
export function supported(alert: Alert): boolean {
  return alert.evidence["supported"] !== false;
}

function figures(alert: Alert, say: Messages, now: number): Row[] {
  const reads = READS[alert.rule];
  if (!reads) return [];
  const row = (key: Label, value: number, note?: string): Row => ({
    label: say.evidence[key],
    value: reads.figure(value, say),
    ...(note ? { note } : {}),
  });
  const [value, peak, limit] = [
    valueOf(alert, now),
    figureOf(alert, "peak"),
    figureOf(alert, "limit"),
  ];
  const found: Row[] = [];
  if (value !== undefined) found.push(row(reads.value, value, siteOf(alert, say)));
  if (reads.peak && peak !== undefined && peak !== value) found.push(row(reads.peak, peak));
  if (limit !== undefined) found.push(row(reads.limit, limit, originOf(alert, say)));
  const [fence, interval] = [figureOf(alert, "fence_m"), figureOf(alert, "interval_s")];
  if (fence !== undefined) found.push(row("fence", fence));
  if (interval !== undefined) found.push(row("interval", interval));
  return found;
}

/** The latest value. A silence goes on without anything being received: it is as long as it is now. */
function valueOf(alert: Alert, now: number): number | undefined {
  if (alert.rule !== "silent") return figureOf(alert, "value");
  const until = alert.cleared_at ? Date.parse(alert.cleared_at) : now;
  return (until - Date.parse(alert.onset_at)) / 1000;
}

function heldMs(alert: Alert): number {
  return Date.parse(alert.last_at) - Date.parse(alert.onset_at);
}

function figureOf(alert: Alert, key: string): number | undefined {
  const figure = alert.evidence[key];
  return typeof figure === "number" ? figure : undefined;
}

function siteOf(alert: Alert, say: Messages): string | undefined {
  const site: Json | undefined = alert.evidence["site"];
  return typeof site === "string" && site !== "" ? (say.site[site] ?? site) : undefined;
}

function originOf(alert: Alert, say: Messages): string | undefined {
  const origin: Json | undefined = alert.evidence["origin"];
  if (typeof origin !== "string" || origin === "") return undefined;
  return origin === "rulebook" ? say.evidence.originRulebook : say.evidence.originPersonal(origin);
}

/**
 * What an alert rests on, in rows a person can read: the value, the threshold and where it comes
 * from, for how long. Pure. Unknown or missing evidence leaves a row out; it never invents one.
 */

import type { Alert, Json } from "./api";
import { LINES, MESSAGES, type Figures, type Language, type Messages } from "./messages";
import { scoreOf } from "./score";
import { celsius, metres, percent, perMinute, span } from "./words";

export interface Row {
  label: string;
  value: string;
  note?: string;
  /** Takes a line of its own. */
  wide?: boolean;
}

type Figure = (value: number, say: Messages) => string;
type Label =
  | "temperature"
  | "highest"
  | "distance"
  | "farthest"
  | "worst"
  | "silentFor"
  | "pulse"
  | "oxygen"
  | "battery"
  | "unusable"
  | "nightPulse"
  | "limit"
  | "limitSilent"
  | "fence"
  | "interval";

interface Reads {
  value: Label;
  peak?: Label;
  limit?: Label;
  figure: Figure;
}

const seconds: Figure = (value, say) => span(value * 1000, say);

/** What `value`, `peak` and `limit` of the evidence mean, by rule. */
const READS: Record<string, Reads> = {
  fever: { value: "temperature", peak: "highest", limit: "limit", figure: celsius },
  left_home: { value: "distance", peak: "farthest", limit: "limit", figure: metres },
  silent: { value: "silentFor", limit: "limitSilent", figure: seconds },
  pulse: { value: "pulse", peak: "worst", limit: "limit", figure: perMinute },
  oxygen: { value: "oxygen", peak: "worst", limit: "limit", figure: percent },
  battery_low: { value: "battery", limit: "limit", figure: percent },
  watch: { value: "nightPulse", figure: perMinute },
  device_fault: { value: "unusable", limit: "limit", figure: percent },
};

/** The line that says why: the service's own, or in another language than its own from the figures. */
export function line(alert: Alert, language: Language, now: number): string {
  const say = MESSAGES[language];
  const rule = ruleOf(alert);
  const words = LINES[language][rule];
  if (!words) return alert.summary;
  const figure = READS[rule]?.figure;
  const put = (value: number | undefined): string =>
    value === undefined || !figure ? "" : figure(value, say);
  const figures: Figures = {
    value: put(valueOf(alert, now)),
    limit: put(figureOf(alert, "limit")),
    criticalFrom: put(figureOf(alert, "critical_from")),
    site: siteOf(alert, say) ?? "",
    held: span(heldMs(alert), say),
    battery: batteryOf(alert),
    nights: nightsOf(alert).length,
    usual: put(usualOf(alert)),
    cause: causeOf(alert, say),
  };
  return NEEDS[rule]?.some((name) => !figures[name]) ? alert.summary : words(figures);
}

/** Figures without which a line cannot be said. */
const NEEDS: Record<string, readonly (keyof Figures)[]> = {
  fever: ["value", "limit"],
  left_home: ["value"],
  silent: ["value"],
  pulse: ["value", "limit"],
  oxygen: ["value", "limit"],
  battery_low: ["value", "limit"],
  watch: ["value"],
  device_fault: ["cause"],
};

/** The rule of the finding that speaks: a silence may be in the case of an empty battery. */
function ruleOf(alert: Alert): string {
  const rule = alert.evidence["rule"];
  return typeof rule === "string" && rule !== "" ? rule : alert.rule;
}

function batteryOf(alert: Alert): string {
  const level = figureOf(alert, "battery_pct");
  return alert.evidence["explained_by"] === "battery" && level !== undefined ? percent(level) : "";
}

interface Night {
  night: string;
  level: string;
  resting_pulse_bpm: number;
  baseline_bpm: number;
}

function nightsOf(alert: Alert): readonly Night[] {
  const told = alert.evidence["nights"];
  return Array.isArray(told) ? (told as unknown as Night[]) : [];
}

function usualOf(alert: Alert): number | undefined {
  const nights = nightsOf(alert);
  return nights[nights.length - 1]?.baseline_bpm;
}

/** What is wrong with a band, or with the pin of a home. */
function causeOf(alert: Alert, say: Messages): string {
  const { cause, datum } = alert.evidence;
  if (ruleOf(alert) !== "device_fault" || typeof cause !== "string") return "";
  if (cause === "wrong datum") return say.cause.datum(typeof datum === "string" ? datum : "");
  if (cause === "rejected messages") {
    return say.cause.messages(figureOf(alert, "bad") ?? 0, figureOf(alert, "of") ?? 20);
  }
  if (cause === "frozen temperature") {
    return say.cause.temperature(figured(alert, "temperature_c", celsius), span(heldMs(alert), say));
  }
  if (cause === "frozen pulse") {
    return say.cause.pulse(figured(alert, "pulse_bpm", perMinute), span(heldMs(alert), say));
  }
  return cause;
}

function figured(alert: Alert, key: string, words: (value: number) => string): string {
  const value = figureOf(alert, key);
  return value === undefined ? "" : words(value);
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
  if (ruleOf(alert) === "silent") {
    found.push({ label: words.lastHeard, value: when(onsetOf(alert)) });
  } else {
    found.push({ label: words.held, value: span(heldMs(alert), say) });
    found.push({ label: words.began, value: when(alert.onset_at) });
    found.push({ label: words.latest, value: when(alert.last_at) });
  }
  if (alert.cleared_at) found.push({ label: words.ended, value: when(alert.cleared_at) });
  found.push({ label: words.device, value: alert.device });
  const score = scoreOf(alert, say);
  if (score) found.push(score);
  const rulebook = alert.evidence["rulebook_version"];
  if (typeof rulebook === "string") found.push({ label: words.rulebook, value: rulebook });
  return found;
}

/** Whether readings that came later still bear the alert out. */
export function supported(alert: Alert): boolean {
  return alert.evidence["supported"] !== false;
}

function figures(alert: Alert, say: Messages, now: number): Row[] {
  const reads = READS[ruleOf(alert)];
  const cause = causeOf(alert, say);
  if (cause !== "") return [{ label: say.evidence.cause, value: cause, wide: true }];
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
  if (reads.limit && limit !== undefined) {
    found.push(row(reads.limit, limit, limitNote(alert, limit, reads, say)));
  }
  found.push(...nightRows(alert, say));
  const battery = batteryOf(alert);
  if (battery) found.push({ label: say.evidence.battery, value: battery });
  const [fence, interval] = [figureOf(alert, "fence_m"), figureOf(alert, "interval_s")];
  if (fence !== undefined) found.push(row("fence", fence));
  if (interval !== undefined) found.push(row("interval", interval));
  return found;
}

/** Whose the limit is; and by which it began, where the severity comes from another. */
function limitNote(
  alert: Alert,
  limit: number,
  reads: Reads,
  say: Messages,
): string | undefined {
  const notes = [originOf(alert, say)];
  const [began, critical] = [figureOf(alert, "threshold"), figureOf(alert, "critical_from")];
  if (began !== undefined && began !== limit) {
    notes.push(say.evidence.beganAt(reads.figure(began, say)));
  }
  if (critical !== undefined) notes.push(say.evidence.criticalFrom(reads.figure(critical, say)));
  return notes.filter(Boolean).join(say.score.then) || undefined;
}

/** The nights a watch rests on, the newest first, and what is usual. */
function nightRows(alert: Alert, say: Messages): Row[] {
  const nights = [...nightsOf(alert)].reverse().slice(0, 7);
  return nights.map((night) => ({
    label: night.night,
    value: perMinute(night.resting_pulse_bpm),
    note: say.evidence.night(say.level[night.level] ?? night.level, perMinute(night.baseline_bpm)),
  }));
}

/** The latest value. A silence goes on without anything being received: it is as long as it is now. */
function valueOf(alert: Alert, now: number): number | undefined {
  if (ruleOf(alert) !== "silent") return figureOf(alert, "value");
  const until = alert.cleared_at ? Date.parse(alert.cleared_at) : now;
  return (until - Date.parse(onsetOf(alert))) / 1000;
}

/** Of the finding that speaks, where it says so. */
function onsetOf(alert: Alert): string {
  const onset = alert.evidence["onset_at"];
  return typeof onset === "string" ? onset : alert.onset_at;
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

/** Figures and instants in words a person reads. Pure; the messages and the language are arguments. */

import type { Alert } from "./api";
import type { Messages } from "./messages";

const MINUTE_MS = 60_000;

/** A length of time, in the two units that matter. Negative lengths are zero. */
export function span(lengthMs: number, say: Messages): string {
  const minutes = Math.max(0, Math.floor(lengthMs / MINUTE_MS));
  if (minutes === 0) return say.span.now;
  if (minutes < 60) return say.span.minutes(minutes);
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return say.span.hours(hours, minutes % 60);
  return say.span.days(Math.floor(hours / 24), hours % 24);
}

/** The time of day, with the date when it is not the day of `now`. */
export function clockTime(at: number, now: number, tag: string): string {
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const sameDay = new Date(at).toDateString() === new Date(now).toDateString();
  const shape = sameDay ? time : { ...time, month: "short" as const, day: "numeric" as const };
  return new Intl.DateTimeFormat(tag, shape).format(at);
}

/** Date, time and seconds, for whoever needs it exactly. */
export function exactTime(at: number, tag: string): string {
  return new Intl.DateTimeFormat(tag, {
    dateStyle: "medium",
    timeStyle: "medium",
    hourCycle: "h23",
  } as Intl.DateTimeFormatOptions).format(at);
}

export function celsius(value: number): string {
  return `${value.toFixed(1)} °C`;
}

export function perMinute(value: number): string {
  return `${Math.round(value)} /min`;
}

export function percent(value: number): string {
  return `${Math.round(value)} %`;
}

export function metres(value: number): string {
  return value < 1000 ? `${Math.round(value)} m` : `${(value / 1000).toFixed(1)} km`;
}

/** The person as this page may name them: the name where the service gives it, else the number. */
export function personOf(alert: Pick<Alert, "person" | "who">): string {
  return alert.who?.person_name || alert.person;
}

/** A temperature a tired thumb typed: a decimal comma counts. `undefined` when it is not one. */
export function typedTemperature(text: string): number | undefined {
  const figure = text.trim().replace(/[,，。]/, ".");
  if (!/^\d{2}(\.\d{1,2})?$/.test(figure)) return undefined;
  const value = Number(figure);
  return value >= 30 && value <= 45 ? value : undefined;
}

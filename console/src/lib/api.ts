/** The service's HTTP interface, as types and one function a call. Trouble is that of `http`. */

import { call, every } from "./http";

export { intention, Refusal, Unreachable } from "./http";

export type Severity = "routine" | "urgent" | "critical";
export type Condition = "active" | "cleared";
export type Response = "open" | "acknowledged" | "visiting" | "closed";

export const OUTCOMES = [
  "confirmed_fever",
  "unwell_referred",
  "well",
  "left_home_unauthorised",
  "left_home_authorised",
  "at_home",
  "not_at_home",
  "device_fault",
  "not_worn",
  "wrong_address",
  "refused",
  "no_answer",
  "ambulance",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface Alert {
  id: string;
  episode: string;
  person: string;
  grid: string;
  device: string;
  rule: string;
  severity: Severity;
  condition: Condition;
  response: Response;
  outcome: Outcome | null;
  raised_at: string;
  onset_at: string;
  cleared_at: string | null;
  last_at: string;
  late: boolean;
  summary: string;
  evidence: Record<string, Json>;
  assignee: string | null;
  deadline_at: string | null;
  /** Who was asked for what is due then, in order. */
  told: string[];
  previous: string | null;
  version: number;
  building: string;
  /** Whether a notification may be sent; if not, it is on the visit list only. */
  notify?: boolean | null;
  /** Lives alone, is chronically ill, or old: seen to first among equals. */
  vulnerable: boolean;
  /** Of routine alerts of one device that is proposed for a swap: the same. Absent in the stream. */
  group?: string | null;
  /** Only in the answer to a request for this one alert. */
  track_record?: TrackRecord;
  /** Only there, and only for those who go to doors. */
  who?: Who;
}

/** How alerts ended at doors. */
export interface Tally {
  false: number;
  /** Confirmed and false. */
  judged: number;
}

/** What became of other alerts in the last 90 days. */
export interface TrackRecord {
  device: Tally & { swap_proposed: boolean };
  rule: Tally;
}

/** A band that is proposed for a swap. */
export interface Proposal extends Tally {
  device: string;
  model: string;
}

/** Where the service is blind. */
export interface Signal {
  kind: string;
  active: boolean;
  since: string | null;
  device?: string;
  subject?: string;
}

/** Where somebody was last, in WGS-84. */
export interface Fix {
  at: string;
  lat: number;
  lon: number;
  accuracy_m: number | null;
  near_home: boolean;
  distance_m: number | null;
  /** Seen from home, clockwise from north. */
  direction_deg: number | null;
}

/** What came of a test message to one contact of mine. */
export interface Tried {
  scheme: string;
  taken: boolean;
}

export interface Who {
  person_name: string | null;
  phone: string | null;
  address: string | null;
  birth_year: number | null;
  flags: string[];
}

export interface Change {
  type: "new" | "update" | "end";
  before: Alert | null;
  after: Alert;
}

export interface AlertEvent {
  id: number | string;
  kind: string;
  at: string;
  actor: string | null;
  note?: string | null;
  /** What was measured at the door. */
  detail?: {
    temperature_c?: number;
    site?: string;
    /** Whom the service told. */
    told?: string[];
    /** Why it was passed on. */
    why?: string;
    /** What was taken back. */
    undone?: string;
  } | null;
  before?: Alert | null;
  after?: Alert | null;
}

export interface Staff {
  id: string;
  name: string;
  role: string;
  grids: string[];
}

export interface Session {
  staff: Staff;
  /** The service's clock: a demonstration runs it faster than the one on the wall. */
  clock?: { now: string; factor: number };
}

export interface Reading {
  at: string;
  device?: string;
  temperature_c?: number | null;
  site?: string | null;
  pulse_bpm?: number | null;
  spo2_pct?: number | null;
  distance_m?: number | null;
}

export interface OutcomeReport {
  outcome: Outcome;
  temperature_c?: number;
  site?: string;
  note?: string;
}

export function signIn(staff: string, password: string): Promise<Session> {
  return call("POST", "/session", { body: { staff, password } });
}

export function session(): Promise<Session> {
  return call("GET", "/session");
}

export function signOut(): Promise<void> {
  return call("DELETE", "/session");
}

/** Every alert that still needs somebody. */
export function waitingAlerts(): Promise<Alert[]> {
  return every("/alerts?response=open,acknowledged,visiting&limit=200");
}

export function alert(id: string): Promise<Alert> {
  return call("GET", `/alerts/${encodeURIComponent(id)}`);
}

export function alertEvents(id: string): Promise<AlertEvent[]> {
  return every(`/alerts/${encodeURIComponent(id)}/events`);
}

/** Readings between two instants, oldest first, one for each `stepSeconds` at most. */
export function readings(
  episodeId: string,
  from: Date,
  to: Date,
  stepSeconds: number,
): Promise<Reading[]> {
  const query = new URLSearchParams({
    from: from.toISOString(),
    to: to.toISOString(),
    step: String(stepSeconds),
  });
  return every(`/episodes/${encodeURIComponent(episodeId)}/readings?${query}`);
}

export type Deed = "acknowledge" | "visit" | "outcome" | "undo" | "assign" | "note";

/** What a deed says besides itself. */
export type Said = OutcomeReport | { note: string } | { assignee: string | null };

/**
 * What somebody does with an alert.
 *
 * Refused with 412 when somebody changed the alert since `alert` was read; a note moves nothing and
 * is always taken. `key` names the doctor's intention: the same key sent again after a lost answer
 * is done once.
 */
export function act(alert: Alert, deed: Deed, key: string, said?: Said): Promise<Alert> {
  const seen = deed === "note" ? {} : { "If-Match": `"${alert.version}"` };
  return call("POST", `/alerts/${encodeURIComponent(alert.id)}/${deed}`, {
    body: said ?? {},
    headers: { ...seen, "Idempotency-Key": key },
  });
}

/** Where the person of an alert was last; null: unknown. Each call is recorded. */
export async function lastFix(id: string): Promise<Fix | null> {
  const answer: { fix: Fix | null } = await call("GET", `/alerts/${encodeURIComponent(id)}/location`);
  return answer.fix;
}

/** Where the service is blind now: the newest 500, and whether there are more. */
export async function signals(): Promise<{ items: Signal[]; whole: boolean }> {
  const answer: { items: Signal[]; next: string | null } = await call(
    "GET",
    "/signals?active=true&limit=500",
  );
  return { items: answer.items, whole: answer.next === null };
}

/** Bands that are proposed for a swap. */
export function proposals(): Promise<Proposal[]> {
  return every("/rules/accuracy?by=device&swap_proposed=true");
}

/** Sends a test message to each of my contacts. */
export async function tryContacts(): Promise<Tried[]> {
  const answer: { items: Tried[] } = await call("POST", "/staff/me/notifications/test", {
    patienceMs: CONTACTS_MS,
  });
  return answer.items;
}

/** Chat services and mail servers take their time. */
const CONTACTS_MS = 60_000;

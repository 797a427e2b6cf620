/**
 * The service's HTTP interface, as types and one function a call.
 *
 * Two kinds of trouble: `Refusal` when the service answered no (a problem detail, RFC 9457), and
 * `Unreachable` when it did not answer. Keeps no state: the session is a cookie this page cannot read.
 */

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
  /** Only in the answer to a request for this one alert, and only for those who go to doors. */
  who?: Who;
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
  detail?: { temperature_c?: number; site?: string } | null;
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

interface Page<T> {
  items: T[];
  next: string | null;
}

/** The service answered, and the answer is no. `detail` is written to be read by a person. */
export class Refusal extends Error {
  readonly detail: string;
  /** Of a 409 or 412: who moved the alert (null the service itself), and when. */
  readonly by: string | null;
  readonly at: string | undefined;

  constructor(
    readonly status: number,
    said: unknown,
  ) {
    const told = problemOf(said);
    super(`${status} ${told.detail ?? told.title ?? ""}`);
    this.detail = told.detail ?? told.title ?? String(status);
    this.by = told.by ?? null;
    this.at = told.at;
  }

  /** Somebody moved the alert first. */
  get overtaken(): boolean {
    return this.status === 409 || this.status === 412;
  }
}

/** No answer: the network, or the service, is away. */
export class Unreachable extends Error {}

const BASE = "/api/v1";
const PATIENCE_MS = 15_000;
/** More than this nobody can work through on one page; the rest waits, least urgent last. */
const MOST_PAGES = 10;

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

/**
 * Acknowledge, say "at the door", record an outcome, or take one's last deed back.
 *
 * Refused with 412 when somebody changed the alert since `alert` was read. `key` names the doctor's
 * intention: the same key sent again after a lost answer is done once.
 */
export function act(
  alert: Alert,
  deed: "acknowledge" | "visit" | "outcome" | "undo",
  key: string,
  report?: OutcomeReport,
): Promise<Alert> {
  return call("POST", `/alerts/${encodeURIComponent(alert.id)}/${deed}`, {
    body: report ?? {},
    headers: { "If-Match": `"${alert.version}"`, "Idempotency-Key": key },
  });
}

/** A new key for `act`. Not `crypto.randomUUID`, which plain HTTP inside a clinic does not have. */
export function intention(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function every<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page++) {
    const joint = path.includes("?") ? "&" : "?";
    const tail: string = cursor === null ? "" : `${joint}cursor=${encodeURIComponent(cursor)}`;
    const part: Page<T> = await call("GET", path + tail);
    items.push(...part.items);
    cursor = part.next;
    if (cursor === null) break;
  }
  return items;
}

async function call<T>(
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  const request: RequestInit = { method, headers, signal: deadline(), cache: "no-store" };
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(options.body);
  }
  let answer: globalThis.Response;
  let text: string;
  try {
    answer = await fetch(BASE + path, request);
    text = await answer.text();
  } catch (error) {
    throw new Unreachable(String(error));
  }
  const said: unknown = parsed(text);
  if (!answer.ok) throw new Refusal(answer.status, said);
  return said as T;
}

function deadline(): AbortSignal {
  const control = new AbortController();
  setTimeout(() => control.abort(), PATIENCE_MS);
  return control.signal;
}

function parsed(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Told = Partial<Record<"title" | "detail" | "by" | "at", string>>;

/** The members of a problem detail that are text; none where the answer is something else. */
function problemOf(said: unknown): Told {
  if (typeof said !== "object" || said === null) return {};
  return Object.fromEntries(Object.entries(said).filter(([, value]) => typeof value === "string"));
}

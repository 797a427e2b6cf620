/**
 * How the page asks: one request, its patience, and the two kinds of trouble.
 *
 * `Refusal` when the service answered no (a problem detail, RFC 9457), `Unreachable` when it did not
 * answer. Keeps no state: the session is a cookie this page cannot read.
 */

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
    /** After how many seconds it may be tried again, where the service says so. */
    readonly retryAfterS?: number,
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

/** A new key for `act`. Not `crypto.randomUUID`, which plain HTTP inside a clinic does not have. */
export function intention(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Every item of a list, part after part. */
export async function every<T>(path: string): Promise<T[]> {
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

/** The answer to one request. Throws `Refusal` or `Unreachable`. */
export async function call<T>(
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string>; patienceMs?: number } = {},
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  const request: RequestInit = { method, headers, signal: deadline(options.patienceMs), cache: "no-store" };
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
  if (!answer.ok) throw new Refusal(answer.status, said, retryAfter(answer));
  return said as T;
}

function deadline(patienceMs = PATIENCE_MS): AbortSignal {
  const control = new AbortController();
  setTimeout(() => control.abort(), patienceMs);
  return control.signal;
}

function retryAfter(answer: globalThis.Response): number | undefined {
  const told = Number(answer.headers.get("Retry-After") ?? NaN);
  return Number.isFinite(told) ? told : undefined;
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

/**
 * Where the service is blind, folded from the stream and the list, and what of it a doctor is told.
 *
 * Pure. The stream tells what stands when it opens and then each beginning and end, but no gaps; the
 * list has all of it, the newest first, and may be cut off. So what the stream told since it opened
 * stands whatever a list says, and the list decides the rest.
 */

import type { Signal } from "./api";
import type { Messages } from "./messages";

export interface Horizon {
  /** By key; active ones only. */
  readonly standing: ReadonlyMap<string, Signal>;
  /** Told by the stream since it opened. */
  readonly told: ReadonlySet<string>;
  /** Ended: an older list must not bring them back. A signal that begins anew has another key. */
  readonly over: ReadonlySet<string>;
}

export const CLEAR: Horizon = { standing: new Map(), told: new Set(), over: new Set() };

export function keyOf(signal: Signal): string {
  return [signal.kind, signal.subject ?? "", signal.device ?? "", signal.since ?? ""].join("|");
}

/** Call when a stream opens: it is about to tell what stands. */
export function reopened(horizon: Horizon): Horizon {
  return { ...horizon, told: new Set() };
}

/** After one signal of the stream. */
export function heard(horizon: Horizon, signal: Signal): Horizon {
  const key = keyOf(signal);
  const [standing, told] = [new Map(horizon.standing), new Set(horizon.told)];
  if (signal.active) {
    standing.set(key, signal);
    told.add(key);
    return { standing, told, over: horizon.over };
  }
  standing.delete(key);
  told.delete(key);
  return { standing, told, over: new Set(horizon.over).add(key) };
}

/** After a list; `whole` unless it was cut off. */
export function listed(horizon: Horizon, items: readonly Signal[], whole: boolean): Horizon {
  const standing = new Map<string, Signal>();
  for (const [key, signal] of horizon.standing) {
    if (horizon.told.has(key) || !whole) standing.set(key, signal);
  }
  for (const signal of items) {
    if (signal.active && !horizon.over.has(keyOf(signal))) standing.set(keyOf(signal), signal);
  }
  // Those that lists do not name any more need not be remembered.
  const named = new Set(items.map(keyOf));
  const over = new Set([...horizon.over].filter((key) => named.has(key)));
  return { standing, told: horizon.told, over };
}

/** While these stand nobody may rely on the list of alerts. */
const GRAVE: readonly string[] = ["blind", "stalled"];

export interface Notice {
  /** Says which signals it speaks of: dismissed until there are others. */
  key: string;
  kind: string;
  grave: boolean;
  words: string;
}

/**
 * What the banner says: a notice a kind, the grave ones first. A gap concerns one band, and is said
 * at its alerts. `when` puts an instant in words.
 */
export function notices(horizon: Horizon, say: Messages, when: (at: string) => string): Notice[] {
  const kinds = new Map<string, Signal[]>();
  for (const signal of horizon.standing.values()) {
    if (signal.kind !== "gap") kinds.set(signal.kind, [...(kinds.get(signal.kind) ?? []), signal]);
  }
  return [...kinds]
    .map(([kind, signals]) => ({
      key: signals.map(keyOf).sort().join(" "),
      kind,
      grave: GRAVE.includes(kind),
      words: wordsOf(kind, first(signals), say, when),
    }))
    .sort((a, b) => Number(b.grave) - Number(a.grave) || (a.kind < b.kind ? -1 : 1));
}

/** The grave kind that stands, in two words for the bar on top. */
export function graveWord(horizon: Horizon, say: Messages): string | undefined {
  const kinds = new Set([...horizon.standing.values()].map((signal) => signal.kind));
  if (kinds.has("blind")) return say.signal.blindShort;
  return kinds.has("stalled") ? say.signal.stalledShort : undefined;
}

/** Since when messages of a band are missing; undefined where none are. */
export function gapOf(horizon: Horizon, device: string): string | undefined {
  for (const signal of horizon.standing.values()) {
    if (signal.kind === "gap" && signal.device === device && signal.since) return signal.since;
  }
  return undefined;
}

/** Since when the first of them has stood; null if that was always so. */
function first(signals: readonly Signal[]): string | null {
  const known = signals.map((signal) => signal.since);
  if (known.includes(null)) return null;
  return (known as string[]).reduce((a, b) => (Date.parse(b) < Date.parse(a) ? b : a));
}

function wordsOf(
  kind: string,
  since: string | null,
  say: Messages,
  when: (at: string) => string,
): string {
  const { signal } = say;
  if (since === null) return kind === "blind" ? signal.blindNever : signal.other(kind, "…");
  switch (kind) {
    case "blind":
    case "stalled":
    case "session_lost":
    case "undeliverable":
    case "rejections":
      return signal[kind](when(since));
    default:
      return signal.other(kind, when(since));
  }
}

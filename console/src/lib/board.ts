/**
 * The board: which alerts wait for somebody, folded from a snapshot and the changes after it.
 *
 * Pure. The stream may repeat a change, and a snapshot may be older than a change that overtook it,
 * so an alert only ever moves forward in `version` and `last_at`. Closed alerts stay on the board as
 * tombstones until the next snapshot; without them an older snapshot would bring them back.
 */

import type { Alert, Change, Severity } from "./api";
import { withGroup } from "./grouping";

export interface Board {
  readonly alerts: ReadonlyMap<string, Alert>;
  /** Changed since the last snapshot was asked for: what that snapshot may not know yet. */
  readonly touched: ReadonlySet<string>;
}

export const EMPTY: Board = { alerts: new Map(), touched: new Set() };

/** The board after one change. */
export function folded(board: Board, change: Change): Board {
  const alerts = new Map(board.alerts);
  const heard = withGroup(change.after, board.alerts.values());
  alerts.set(heard.id, newer(board.alerts.get(heard.id), heard));
  return { alerts, touched: new Set(board.touched).add(change.after.id) };
}

/** Call when a snapshot is about to be asked for. */
export function asking(board: Board): Board {
  return { alerts: board.alerts, touched: new Set() };
}

/**
 * The board after a snapshot of everything that waits.
 *
 * What the snapshot does not name has been closed meanwhile, unless a change told of it since.
 */
export function merged(board: Board, snapshot: readonly Alert[]): Board {
  const alerts = new Map<string, Alert>();
  for (const id of board.touched) {
    const alert = board.alerts.get(id);
    if (alert) alerts.set(id, alert);
  }
  for (const alert of snapshot) alerts.set(alert.id, newer(board.alerts.get(alert.id), alert));
  return { alerts, touched: board.touched };
}

/** What waits for somebody, most urgent first. */
export function waiting(board: Board): Alert[] {
  return [...board.alerts.values()].filter((alert) => alert.response !== "closed").sort(byUrgency);
}

const WEIGHT: Record<Severity, number> = { critical: 0, urgent: 1, routine: 2 };

/**
 * Severity first. Then what nobody has taken, then what is still so, then the vulnerable, then the
 * longest wait, as in the service's own lists. Ids break ties, so that two screens agree.
 */
export function byUrgency(a: Alert, b: Alert): number {
  return (
    WEIGHT[a.severity] - WEIGHT[b.severity] ||
    Number(a.response !== "open") - Number(b.response !== "open") ||
    Number(a.condition !== "active") - Number(b.condition !== "active") ||
    Number(b.vulnerable) - Number(a.vulnerable) ||
    Date.parse(a.raised_at) - Date.parse(b.raised_at) ||
    (a.id < b.id ? -1 : Number(a.id > b.id))
  );
}

/** The later of two tellings of one alert. */
export function newer(known: Alert | undefined, heard: Alert): Alert {
  if (!known || heard.version > known.version) return heard;
  if (heard.version < known.version) return known;
  return Date.parse(heard.last_at) >= Date.parse(known.last_at) ? heard : known;
}

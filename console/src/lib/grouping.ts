/** What belongs together in the list: the soft alerts of one doubtful band, and of one building. Pure. */

import type { Alert } from "./api";

export type Entry =
  | { kind: "one"; key: string; alert: Alert }
  /** Routine alerts of a band that is proposed for a swap. */
  | { kind: "band"; key: string; device: string; alerts: Alert[] };

/** The list with each band's group where its first alert stood. Every alert is in it once. */
export function grouped(alerts: readonly Alert[]): Entry[] {
  const entries: Entry[] = [];
  const bands = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const group = alert.severity === "routine" ? (alert.group ?? undefined) : undefined;
    if (group === undefined) {
      entries.push({ kind: "one", key: alert.id, alert });
      continue;
    }
    const known = bands.get(group);
    if (known) {
      known.push(alert);
    } else {
      const begun = [alert];
      bands.set(group, begun);
      entries.push({ kind: "band", key: group, device: alert.device, alerts: begun });
    }
  }
  return entries;
}

/** The other alerts of the same building and grid: one walk serves them all. */
export function neighbours(alert: Alert, waiting: readonly Alert[]): Alert[] {
  if (!alert.building) return [];
  return waiting.filter(
    (other) =>
      other.id !== alert.id && other.building === alert.building && other.grid === alert.grid,
  );
}

/** How many other people wait in the same building. */
export function peopleNear(alert: Alert, waiting: readonly Alert[]): number {
  const people = new Set(neighbours(alert, waiting).map((other) => other.person));
  people.delete(alert.person);
  return people.size;
}

/**
 * A newer telling of an alert, with what only lists and answers say of it: the stream has no groups.
 *
 * An alert that the stream brings is in its band's group as soon as another one there is.
 */
export function withGroup(alert: Alert, known: Iterable<Alert>): Alert {
  if (alert.severity !== "routine" || alert.group !== undefined) return alert;
  for (const other of known) {
    if (other.device === alert.device && other.group) return { ...alert, group: other.group };
  }
  return alert;
}

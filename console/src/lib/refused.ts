/** Why a deed was not done, in words: who was first, and with what. Pure. */

import type { Alert, AlertEvent, Deed, Refusal } from "./api";
import type { Messages } from "./messages";

type Told = Pick<Refusal, "by" | "at">;

/** How the alert stood when the button was pressed, and what is known of it now. */
export interface Stands {
  seen: Alert;
  newest: Alert;
  log: readonly AlertEvent[];
  me: string | undefined;
}

/** Of a 409 or 412. `when` puts an instant in words. */
export function refusedWords(
  told: Told,
  deed: Deed,
  { seen, newest, log, me }: Stands,
  say: Messages,
  when: (at: string) => string,
): string {
  const { refused, failed } = say;
  const { by, at } = told;
  if (deed === "undo") return by !== null && by !== me ? refused.undoOther(by) : refused.undoLate;
  if (newest.version === seen.version) return refused.notNow;
  if (by === null || at === undefined) {
    return newest.response === "closed" ? refused.ended : failed.overtakenByData;
  }
  if (by === me) return refused.yours(when(at));
  const first = log.find((event) => event.actor === by && Date.parse(event.at) === Date.parse(at));
  switch (first?.kind) {
    case "acknowledged":
    case "visited":
    case "outcome":
      return refused[first.kind](by, when(at));
    default:
      return failed.overtaken(by, when(at));
  }
}

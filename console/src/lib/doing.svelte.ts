/**
 * What the doctor is doing with one alert: one deed at a time, what came of it in words, and for how
 * long it can be taken back. One for each view of an alert; what was just done outlives the view.
 */

import * as api from "./api";
import { desk } from "./desk.svelte";
import { speech } from "./language.svelte";
import { UNSEEN } from "./outcomes";
import { refusedWords } from "./refused";
import { clockTime } from "./words";

/** As long as the service allows it. */
const UNDO_MS = 60_000;

interface Sent {
  deed: api.Deed;
  words: string;
  of: api.Alert;
  key: string;
}

export class Doing {
  busy: api.Deed | undefined = $state();
  said = $state("");
  trouble = $state("");
  /** Rises with each deed that was done, so that the log is taken again. */
  count = $state(0);
  /** A deed whose answer was lost. Tried again it is sent word for word, or it would be done twice. */
  #unanswered: Sent | undefined;

  /** Whether it was done. */
  async go(alert: api.Alert, deed: api.Deed, report?: api.Said): Promise<boolean> {
    if (this.busy) return false;
    this.busy = deed;
    this.said = this.trouble = "";
    const words = JSON.stringify(report ?? null);
    const lost = this.#unanswered;
    const again = lost?.deed === deed && lost.words === words ? lost : undefined;
    const sent = again ?? { deed, words, of: alert, key: api.intention() };
    try {
      desk.heard(await api.act(sent.of, deed, sent.key, report));
      this.#unanswered = undefined;
      this.said = doneWords(deed, report);
      this.count += 1;
      // A note moves nothing, so it cannot be taken back, nor does it keep a deed from being.
      if (deed === "undo") desk.did(undefined);
      else if (deed !== "note") desk.did({ alert, words: this.said, until: desk.now + UNDO_MS });
      return true;
    } catch (error) {
      this.#unanswered = error instanceof api.Unreachable ? sent : undefined;
      await this.#explain(error, sent);
      return false;
    } finally {
      this.busy = undefined;
    }
  }

  clear(): void {
    this.said = this.trouble = "";
  }

  async #explain(error: unknown, sent: Sent): Promise<void> {
    const { say } = speech;
    if (error instanceof api.Unreachable) {
      this.trouble = say.failed.unreachable;
      return;
    }
    if (!(error instanceof api.Refusal)) throw error;
    if (sent.deed === "undo") desk.did(undefined);
    if (error.overtaken) this.trouble = await overtakenWords(error, sent);
    else if (error.status === 422 && sent.deed === "assign") this.trouble = say.hand.nobody;
    else this.trouble = say.failed.refused(error.detail);
    if (error.status === 401) await desk.sync();
  }
}

function doneWords(deed: api.Deed, report?: api.Said): string {
  const { deed: words, hand, outcome } = speech.say;
  if (report && "outcome" in report) {
    const name = outcome[report.outcome];
    return UNSEEN.includes(report.outcome) ? words.recordedOpen(name) : words.recorded(name);
  }
  if (report && "assignee" in report) {
    return report.assignee === null ? hand.taken : hand.given(report.assignee);
  }
  switch (deed) {
    case "undo":
      return words.undone;
    case "visit":
      return words.visited;
    case "note":
      return hand.noted;
    default:
      return words.acknowledged;
  }
}

/** Takes the alert and its log again, to say who was first and to show how it stands. */
async function overtakenWords(refusal: api.Refusal, sent: Sent): Promise<string> {
  const { say, tag } = speech;
  const when = (at: string): string => clockTime(Date.parse(at), desk.now, tag);
  const id = sent.of.id;
  try {
    const [newest, log] = await Promise.all([api.alert(id), api.alertEvents(id)]);
    desk.heard(newest);
    const stands = { seen: sent.of, newest, log, me: desk.session?.staff.id };
    return refusedWords(refusal, sent.deed, stands, say, when);
  } catch (error) {
    if (!(error instanceof api.Refusal || error instanceof api.Unreachable)) throw error;
    return say.failed.refused(refusal.detail);
  }
}

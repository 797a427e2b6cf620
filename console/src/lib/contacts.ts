/** What came of trying one's own contacts, in words. Pure. */

import type { Tried } from "./api";
import type { Messages } from "./messages";

export interface TriedLine {
  contact: string;
  taken: boolean;
  words: string;
}

/** A line a contact. Of a contact the service tells its kind only: the address is a secret. */
export function triedLines(tried: readonly Tried[], say: Messages): TriedLine[] {
  return tried.map(({ scheme, taken }) => ({
    contact: say.me.schemes[scheme] ?? scheme,
    taken,
    words: taken ? say.me.taken : say.me.refused,
  }));
}

/** Of a 429: how long to wait. */
export function waitWords(seconds: number, say: Messages): string {
  const span = seconds < 90 ? say.me.seconds(seconds) : say.span.minutes(Math.ceil(seconds / 60));
  return say.me.wait(span);
}

/**
 * What the page watches beside the alerts: where the service is blind, and which bands are proposed
 * for a swap. Neither may keep an alert from being shown, so trouble here is left to the next try.
 */

import * as api from "./api";
import {
  CLEAR,
  gapOf,
  graveWord,
  heard,
  listed,
  notices,
  reopened,
  type Horizon,
  type Notice,
} from "./horizon";
import type { Messages } from "./messages";

/** Proposals follow from outcomes of weeks. */
const PROPOSALS_MS = 15 * 60_000;

class Watching {
  proposals: readonly api.Proposal[] = $state.raw([]);
  #horizon: Horizon = $state.raw(CLEAR);
  /** Minor notices that somebody has seen; kept as long as the page. */
  #seen: ReadonlySet<string> = $state.raw(new Set());
  #proposedAt = -Infinity;
  /** Answers of an earlier session are nobody's. */
  #session = 0;

  /** What the banner says; minor ones until they are dismissed. */
  told(say: Messages, when: (at: string) => string): Notice[] {
    return notices(this.#horizon, say, when).filter((each) => each.grave || !this.#seen.has(each.key));
  }

  graveWord(say: Messages): string | undefined {
    return graveWord(this.#horizon, say);
  }

  gapOf(device: string): string | undefined {
    return gapOf(this.#horizon, device);
  }

  /** Grave notices stay: what they say is so until it is over. */
  dismiss(notice: Notice): void {
    if (!notice.grave) this.#seen = new Set(this.#seen).add(notice.key);
  }

  reopened(): void {
    this.#horizon = reopened(this.#horizon);
  }

  heard(signal: api.Signal): void {
    this.#horizon = heard(this.#horizon, signal);
  }

  async sync(): Promise<void> {
    const session = this.#session;
    await this.#try(async () => {
      const { items, whole } = await api.signals();
      if (session === this.#session) this.#horizon = listed(this.#horizon, items, whole);
    });
    if (Date.now() - this.#proposedAt < PROPOSALS_MS) return;
    await this.#try(async () => {
      const proposals = await api.proposals();
      if (session !== this.#session) return;
      this.proposals = proposals;
      this.#proposedAt = Date.now();
    });
  }

  forget(): void {
    this.#session += 1;
    this.proposals = [];
    this.#horizon = CLEAR;
    this.#seen = new Set();
    this.#proposedAt = -Infinity;
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof api.Refusal || error instanceof api.Unreachable)) throw error;
    }
  }
}

export const watching = new Watching();

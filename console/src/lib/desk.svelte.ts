/**
 * What the page knows just now: who is signed in, the board, how fresh it is, what time it is there.
 *
 * Every time a stream opens, and once a minute besides, the whole board is taken again; between
 * these it is folded from changes. `stale` is true whenever that cannot be vouched for.
 */

import * as api from "./api";
import { asking, EMPTY, folded, merged, waiting, type Board } from "./board";
import { serviceClock, serviceNow, WALL, type ServiceClock } from "./clock";
import { follow } from "./stream";
import { watching } from "./watching.svelte";

const TICK_MS = 1_000;
const SYNC_MS = 60_000;
/** A browser's own reconnect is usually over before anybody could read a banner. */
const GRACE_MS = 2_500;
/** How long a new alert is shown above whatever is open. */
const ARRIVAL_MS = 15_000;
/** A page that slept this long may hold a connection that only looks alive. */
const ASLEEP_MS = 10_000;

/** The last deed, for as long as it can be taken back (`until`, in the service's time). */
export interface JustDone {
  alert: api.Alert;
  words: string;
  until: number;
}

class Desk {
  /** `undefined` until the service has said whether there is a session. */
  session: api.Session | null | undefined = $state.raw();
  board: Board = $state.raw(EMPTY);
  loaded = $state(false);
  /** How the last session ended, where the doctor has to know. */
  ended: "expired" | "unconfirmed" | undefined = $state();

  #wall = $state(Date.now());
  #clock: ServiceClock = $state.raw(WALL);
  #streaming = $state(false);
  #reachable = $state(true);
  #syncedAt: number | undefined = $state();
  #downSince: number | undefined = $state();
  #arrival: { alert: api.Alert; at: number } | undefined = $state.raw();
  #did: JustDone | undefined = $state.raw();
  #syncing: Promise<void> | undefined;
  #syncAgain = false;
  #unfollow: (() => void) | undefined;
  #stops: (() => void)[] = [];

  /** The service's time, ms since 1970; moves every second. */
  get now(): number {
    return serviceNow(this.#clock, this.#wall);
  }

  get waiting(): api.Alert[] {
    return waiting(this.board);
  }

  /** Doctors and supervisors go to doors; the others look. */
  get acts(): boolean {
    return ["doctor", "supervisor"].includes(this.session?.staff.role ?? "");
  }

  get live(): boolean {
    return this.#streaming && this.#reachable;
  }

  get stale(): boolean {
    return this.#downSince !== undefined && this.#wall - this.#downSince > GRACE_MS;
  }

  /** The alert that has just come in, to be shown and read out. */
  get arrived(): api.Alert | undefined {
    const fresh = this.#arrival && this.#wall - this.#arrival.at < ARRIVAL_MS;
    return fresh ? this.#arrival?.alert : undefined;
  }

  /** What can still be taken back. */
  get justDone(): JustDone | undefined {
    return this.#did && this.now < this.#did.until ? this.#did : undefined;
  }

  /** When the board was last known to be whole, in the service's time. */
  get syncedAt(): number | undefined {
    return this.#syncedAt;
  }

  /** Looks for a session from an earlier visit. */
  async begin(): Promise<void> {
    try {
      this.#enter(await api.session());
    } catch (error) {
      this.session = null;
      if (!(error instanceof api.Refusal || error instanceof api.Unreachable)) throw error;
    }
  }

  /** Throws `Refusal` or `Unreachable`. */
  async signIn(staff: string, password: string): Promise<void> {
    this.#enter(await api.signIn(staff, password));
  }

  /** Clears the page when the service has ended the session, or cannot say whether it has. */
  async signOut(): Promise<void> {
    let ended: typeof this.ended;
    try {
      await api.signOut();
    } catch (error) {
      if (!(error instanceof api.Refusal || error instanceof api.Unreachable)) throw error;
      // 401: there was no session any more.
      if (!(error instanceof api.Refusal && error.status === 401)) ended = "unconfirmed";
    }
    this.#leave(ended);
  }

  /** Puts what an answer said of one alert on the board. */
  heard(alert: api.Alert): void {
    this.board = folded(this.board, { type: "update", before: null, after: alert });
  }

  /** Notes what was done last; undefined once it is taken back, or cannot be. */
  did(deed: JustDone | undefined): void {
    this.#did = deed;
  }

  /**
   * Takes session, clock and board again. Never throws what a later try may mend.
   *
   * One at a time: a snapshot must not be merged while a younger one has already been asked for.
   */
  async sync(): Promise<void> {
    if (this.#syncing) {
      this.#syncAgain = true;
      return this.#syncing;
    }
    do {
      this.#syncAgain = false;
      this.#syncing = this.#syncOnce();
      await this.#syncing.finally(() => (this.#syncing = undefined));
    } while (this.#syncAgain);
  }

  async #syncOnce(): Promise<void> {
    if (!this.session) return;
    this.board = asking(this.board);
    try {
      const [session, alerts] = await Promise.all([api.session(), api.waitingAlerts()]);
      if (!this.session) return; // signed out meanwhile
      this.session = session;
      this.#clock = serviceClock(session.clock, Date.now());
      this.board = merged(this.board, alerts);
      this.loaded = true;
      this.#syncedAt = serviceNow(this.#clock, Date.now());
      this.#reached(true);
      void watching.sync();
    } catch (error) {
      if (error instanceof api.Refusal && error.status === 401) this.#leave("expired");
      else if (error instanceof api.Refusal || error instanceof api.Unreachable) this.#reached(false);
      else throw error;
    }
  }

  #enter(session: api.Session): void {
    this.session = session;
    this.ended = undefined;
    this.#clock = serviceClock(session.clock, Date.now());
    this.#openStream();
    const tick = setInterval(() => (this.#wall = Date.now()), TICK_MS);
    const again = setInterval(() => void this.sync(), SYNC_MS);
    let hiddenAt = 0;
    const seen = (): void => {
      if (document.visibilityState === "hidden") hiddenAt = Date.now();
      else if (Date.now() - hiddenAt > ASLEEP_MS) this.#openStream();
    };
    document.addEventListener("visibilitychange", seen);
    window.addEventListener("online", seen);
    this.#stops = [
      () => this.#unfollow?.(),
      () => clearInterval(tick),
      () => clearInterval(again),
      () => document.removeEventListener("visibilitychange", seen),
      () => window.removeEventListener("online", seen),
    ];
    void this.sync();
  }

  /** Once it is open, the board is taken again: see `#streams`. */
  #openStream(): void {
    this.#unfollow?.();
    this.#unfollow = follow({
      opened: () => {
        watching.reopened();
        this.#streams(true);
      },
      dropped: () => this.#streams(false),
      changed: (change) => {
        this.board = folded(this.board, change);
        if (change.type === "new") this.#arrival = { alert: change.after, at: Date.now() };
        this.#syncedAt = this.now;
      },
      signalled: (signal) => watching.heard(signal),
    });
  }

  #leave(ended: typeof this.ended): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.session = null;
    this.ended = ended;
    this.board = EMPTY;
    this.loaded = false;
    this.#arrival = undefined;
    this.#did = undefined;
    watching.forget();
    this.#streaming = false;
    this.#downSince = undefined;
  }

  #streams(open: boolean): void {
    this.#streaming = open;
    this.#weigh();
    // A stream that was refused may mean that the session is over: sync finds out.
    void this.sync();
  }

  #reached(reachable: boolean): void {
    this.#reachable = reachable;
    this.#weigh();
  }

  #weigh(): void {
    this.#downSince = this.live ? undefined : (this.#downSince ?? Date.now());
  }
}

export const desk = new Desk();

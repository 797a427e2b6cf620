/** The service's clock, which in a demonstration runs faster than the one on the wall. Pure. */

export interface ServiceClock {
  /** What the service's clock showed, ms since 1970, ... */
  readonly shown: number;
  /** ... when ours showed this. */
  readonly seen: number;
  readonly factor: number;
}

export const WALL: ServiceClock = { shown: 0, seen: 0, factor: 1 };

export function serviceClock(
  said: { now: string; factor: number } | undefined,
  wall: number,
): ServiceClock {
  return said ? { shown: Date.parse(said.now), seen: wall, factor: said.factor } : WALL;
}

/** What the service's clock shows when ours shows `wall`. */
export function serviceNow(clock: ServiceClock, wall: number): number {
  return clock.shown + (wall - clock.seen) * clock.factor;
}

/** Where somebody was last, in words and as an address that a map app understands. Pure. */

import type { Fix } from "./api";
import type { Messages } from "./messages";
import { metres, span } from "./words";

/** A position is soon another one: after this it is said to be old. */
const OLD_MS = 20 * 60_000;

/** Words, the telling ones first. `when` puts an instant in words. */
export function placeWords(
  fix: Fix,
  say: Messages,
  now: number,
  when: (at: string) => string,
): string[] {
  const { place } = say;
  const said: string[] = [];
  if (fix.near_home) said.push(place.beacon);
  else if (fix.distance_m === 0) said.push(place.atHome);
  else if (fix.distance_m !== null) {
    said.push(place.from(metres(fix.distance_m), wayOf(fix.direction_deg, say)));
  }
  said.push(fix.accuracy_m === null ? place.accuracyUnknown : place.accuracy(metres(fix.accuracy_m)));
  const age = now - Date.parse(fix.at);
  said.push(place.measured(span(age, say), when(fix.at)));
  if (age > OLD_MS) said.push(place.old);
  return said;
}

/** One of eight directions; empty where there is none. */
export function wayOf(degrees: number | null, say: Messages): string {
  return degrees === null ? "" : (say.place.ways[Math.round(degrees / 45) % 8] ?? "");
}

/** RFC 5870: WGS-84, with the uncertainty in metres. Opens nothing until somebody taps it. */
export function geoAddress(fix: Fix): string {
  const uncertain = fix.accuracy_m === null ? "" : `;u=${Math.round(fix.accuracy_m)}`;
  return `geo:${fix.lat},${fix.lon}${uncertain}`;
}

/** For a person to read out or to type in: five decimals are a metre. */
export function coordinates(fix: Fix): string {
  return `${fix.lat.toFixed(5)}, ${fix.lon.toFixed(5)}`;
}

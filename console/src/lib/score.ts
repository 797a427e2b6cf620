/**
 * The partial NEWS2 of an alert, in words. Pure.
 *
 * Three of the score's seven parameters: it is never called NEWS2. What is not known is said, and
 * is not a zero.
 */

import type { Alert, Json } from "./api";
import type { Row } from "./evidence";
import type { Messages } from "./messages";
import { celsius, percent, perMinute } from "./words";

const SIGNS = ["temperature", "pulse", "oxygen"] as const;
type Sign = (typeof SIGNS)[number];

const FIGURES: Record<Sign, (value: number) => string> = {
  temperature: celsius,
  pulse: perMinute,
  oxygen: percent,
};

/** One row; undefined where the service told no score. */
export function scoreOf(alert: Alert, say: Messages): Row | undefined {
  const told = objectOf(alert.evidence["partial_news2"]);
  if (!told) return undefined;
  const label = say.score.name;
  const total = told["total"];
  const unknown = { label, value: say.score.none, wide: true };
  if (typeof total !== "number") return { ...unknown, note: say.score.children };
  const known = SIGNS.filter((sign) => objectOf(told[sign]) !== undefined);
  if (known.length === 0) return unknown;
  const missing = SIGNS.filter((sign) => !known.includes(sign)).map((sign) => say.score[sign]);
  const notes = known.map((sign) => pointsOf(sign, objectOf(told[sign]) ?? {}, say));
  if (missing.length > 0) notes.push(say.score.unknown(missing.join(say.score.and)));
  return { label, value: say.score.points(total), note: notes.join(say.score.then), wide: true };
}

function pointsOf(sign: Sign, said: Record<string, Json>, say: Messages): string {
  const { points, value } = said;
  const figure = typeof value === "number" ? FIGURES[sign](value) : "";
  return say.score.part(say.score[sign], typeof points === "number" ? points : 0, figure);
}

function objectOf(told: Json | undefined): Record<string, Json> | undefined {
  return typeof told === "object" && told !== null && !Array.isArray(told) ? told : undefined;
}

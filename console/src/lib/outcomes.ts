/** The thirteen outcomes, in the groups of the outcome sheet. Pure. */

import { OUTCOMES, type Outcome } from "./api";

/** After these somebody has to go again: the alert stays open (contract, section 6). */
export const UNSEEN: readonly Outcome[] = ["no_answer", "not_at_home", "refused", "wrong_address"];

const AILING: readonly Outcome[] = ["well", "unwell_referred", "ambulance"];
const BAND: readonly Outcome[] = ["not_worn", "device_fault", "well"];

const LIKELY: Record<string, readonly Outcome[]> = {
  fever: ["confirmed_fever", ...AILING, "device_fault"],
  watch: ["confirmed_fever", ...AILING],
  pulse: [...AILING, "device_fault"],
  oxygen: [...AILING, "device_fault"],
  left_home: ["at_home", "left_home_authorised", "left_home_unauthorised", "device_fault"],
  silent: [...BAND, "unwell_referred", "ambulance"],
  not_worn: BAND,
  battery_low: BAND,
  device_fault: ["device_fault", "not_worn", "well"],
};

export interface Groups {
  likely: readonly Outcome[];
  unseen: readonly Outcome[];
  other: readonly Outcome[];
}

/** Every outcome once: what this rule makes likely, what means "not seen", and the rest. */
export function groupsFor(rule: string): Groups {
  const likely = LIKELY[rule] ?? AILING;
  const other = OUTCOMES.filter((outcome) => !likely.includes(outcome) && !UNSEEN.includes(outcome));
  return { likely, unseen: UNSEEN, other };
}

/** Where a doctor with a thermometer measures. */
export const DOOR_SITES = ["forehead", "axillary", "tympanic", "oral", "rectal"] as const;

/**
 * What the page says, in the language of who reads it.
 *
 * The tone is part of the product: an alert asks somebody to look in on a person. It never says that
 * the person did something wrong, and it says "may" where the machine cannot know. The words are in
 * `messages.en` and `messages.zh`; the second has the type of the first, so a missing one does not
 * compile.
 */

import { en } from "./messages.en";
import { zh } from "./messages.zh";

export type Language = "en" | "zh";
export type Messages = typeof en;

/** The figures of one alert in words, for `lines`. */
export interface Figures {
  value: string;
  limit: string;
  site: string;
  held: string;
  /** Of a critical fever: from where it is. Empty where there is none, like all of these. */
  criticalFrom: string;
  /** The last level, where an empty battery explains a silence. */
  battery: string;
  /** How many nights running. */
  nights: number;
  usual: string;
  /** What is wrong with a band or with the pin of a home. */
  cause: string;
}

/**
 * The line that says why, by rule. The service writes it in English (`summary`); in another language
 * the page says it from the figures.
 */
export const LINES: Record<Language, Record<string, (figures: Figures) => string>> = {
  en: {},
  zh: {
    fever: ({ value, site, held, limit, criticalFrom }) =>
      `${site} ${value}，已持续 ${held}，阈值 ${limit}${criticalFrom && `，${criticalFrom} 起为危急`}`,
    pulse: ({ value, held, limit }) => `静息脉搏 ${value}，已持续 ${held}，阈值 ${limit}`,
    oxygen: ({ value, held, limit }) => `血氧 ${value}，已持续 ${held}，阈值 ${limit}`,
    left_home: ({ value, held }) => `离家约 ${value}，已持续 ${held}`,
    silent: ({ value, battery }) =>
      `${battery && `最后电量 ${battery}，`}已有 ${value}没有收到消息`,
    not_worn: ({ held }) => `手环没有佩戴，已持续 ${held}`,
    battery_low: ({ value, limit }) => `电量 ${value}，未在充电，阈值 ${limit}`,
    device_fault: ({ cause }) => cause,
    watch: ({ value, usual, nights }) =>
      `夜间静息脉搏 ${value}${usual && `，平时 ${usual}`}${nights > 1 ? `，已连续 ${nights} 晚` : ""}`,
  },
};

export const MESSAGES: Record<Language, Messages> = { en, zh };

/** Chinese for any Chinese browser, English for every other. */
export function languageOf(tags: readonly string[]): Language {
  return tags[0]?.toLowerCase().startsWith("zh") ? "zh" : "en";
}

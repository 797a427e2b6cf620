import { expect, test } from "vitest";

import { OUTCOMES } from "../src/lib/api";
import { languageOf, MESSAGES } from "../src/lib/messages";
import { groupsFor } from "../src/lib/outcomes";

const RULES = Object.keys(MESSAGES.en.rule);

/** Every message as text; functions are called with words that show where they land. */
function texts(branch: unknown): string[] {
  if (typeof branch === "string") return [branch];
  if (typeof branch === "function") return [String(branch(2, 3))];
  return Object.values(branch as object).flatMap(texts);
}

function paths(branch: unknown, at = ""): string[] {
  if (typeof branch !== "object" || branch === null) return [at];
  return Object.entries(branch).flatMap(([key, value]) => paths(value, `${at}/${key}`));
}

test("both languages say the same things", () => {
  // The compiler holds the fixed keys; the open tables (rules, sites, events) are held here.
  expect(paths(MESSAGES.zh)).toEqual(paths(MESSAGES.en));
  expect([...texts(MESSAGES.en), ...texts(MESSAGES.zh)]).not.toContain("");
});

test("no message accuses", () => {
  const said = texts(MESSAGES.en).join("\n").toLowerCase();
  for (const word of ["violat", "breach", "escape", "offend", "suspect", "guilty", "illegal"]) {
    expect(said).not.toContain(word);
  }
  const shuo = texts(MESSAGES.zh).join("\n");
  for (const word of ["违规", "违反", "逃", "嫌疑", "擅自", "违法"]) expect(shuo).not.toContain(word);
});

test.each([...RULES, "a rule of next year"])("the sheet for %s offers every outcome once", (rule) => {
  const { likely, unseen, other } = groupsFor(rule);
  expect([...likely, ...unseen, ...other].sort()).toEqual([...OUTCOMES].sort());
});

test("Chinese browsers get Chinese, all others English", () => {
  expect(languageOf(["zh-TW", "en"])).toBe("zh");
  expect(languageOf(["en-US", "zh-CN"])).toBe("en");
  expect(languageOf([])).toBe("en");
});

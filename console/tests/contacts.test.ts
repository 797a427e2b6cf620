import { expect, test } from "vitest";

import { triedLines, waitWords } from "../src/lib/contacts";
import { MESSAGES } from "../src/lib/messages";

test("each contact by its kind, and whether it took the message", () => {
  const tried = [
    { scheme: "wecombot", taken: true },
    { scheme: "a-robot-of-next-year", taken: false },
  ];
  expect(triedLines(tried, MESSAGES.en)).toEqual([
    { contact: "WeCom group robot", taken: true, words: MESSAGES.en.me.taken },
    { contact: "a-robot-of-next-year", taken: false, words: MESSAGES.en.me.refused },
  ]);
});

test.each([
  [1, "1 second"],
  [31, "31 seconds"],
  [89, "89 seconds"],
  [90, "2 min"],
  [600, "10 min"],
])("%d seconds to wait are %s", (seconds, span) => {
  expect(waitWords(seconds, MESSAGES.en)).toContain(`again in ${span}.`);
});

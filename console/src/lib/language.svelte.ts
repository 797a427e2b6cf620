/** Which language the page speaks: what the doctor chose here before, else what the browser asks for. */

import { languageOf, MESSAGES, type Language, type Messages } from "./messages";

const REMEMBERED = "doorstep.language";
const TAGS: Record<Language, string> = { en: "en-GB", zh: "zh-CN" };

class Speech {
  language: Language = $state(chosen());

  get say(): Messages {
    return MESSAGES[this.language];
  }

  /** For `Intl`. */
  get tag(): string {
    return TAGS[this.language];
  }

  change(): void {
    this.language = this.language === "en" ? "zh" : "en";
    try {
      localStorage.setItem(REMEMBERED, this.language);
    } catch {
      // Private windows may refuse storage; the choice then lasts as long as the page.
    }
  }
}

function chosen(): Language {
  try {
    const before = localStorage.getItem(REMEMBERED);
    if (before === "en" || before === "zh") return before;
  } catch {
    // As above.
  }
  return languageOf(navigator.languages);
}

export const speech = new Speech();

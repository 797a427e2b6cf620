// Verifies messages with the standardwebhooks package of npm. Standard input is a list of
// {"secret", "headers", "raw"}, `raw` in base64; the output a list of "" or why it is refused.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [, , console_] = process.argv;
const { Webhook, WebhookVerificationError } = createRequire(console_)("standardwebhooks");

function refusal({ secret, headers, raw }) {
  try {
    new Webhook(secret).verify(Buffer.from(raw, "base64"), headers);
    return "";
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.message;
    throw error;
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(refusal)));

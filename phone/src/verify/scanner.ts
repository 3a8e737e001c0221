/** Finds the payload that a wrongly set scanner has sent: between characters that it adds, or in another case. */

import { SCANNER_ADDS_MAX_CHARS } from "../wire/limits.js";
import { payloadLength, PREFIX } from "../wire/payload.js";
import { message, type Message } from "../words/words.js";

/** What a scanner may have read, not verified; the setting that is wrong; what was added, for a help desk. */
export interface Found {
  readonly payload: string;
  readonly why: Message;
  readonly technical: string;
}

/**
 * Return the payload that a scanner may have read where it sent this text; docs/spec.md, "Verifying".
 *
 * Payloads have no small letters, so a text leads to one payload at most.
 */
export function findPayload(text: string): Found | null {
  const sent = Array.from(text);
  const capitals = sent.map((char) => (/^[a-z]$/.test(char) ? char.toUpperCase() : char));
  const before = capitals.slice(0, SCANNER_ADDS_MAX_CHARS + PREFIX.length).join("");
  const at = before.indexOf(PREFIX);
  if (at < 0) return null;
  const start = Array.from(before.slice(0, at)).length;
  const length = payloadLength(capitals.slice(start).join(""));
  if (length === null) return null;
  const end = start + length;
  if (end > sent.length || sent.length - end > SCANNER_ADDS_MAX_CHARS) return null;
  const [added, read, behind] = [sent.slice(0, start), sent.slice(start, end), sent.slice(end)].map((s) => s.join(""));
  const payload = capitals.slice(start, end).join("");
  return {
    payload,
    why: message(payload === read ? "reason.scanner-adds" : "reason.letter-case"),
    technical: `${JSON.stringify(added)} before the pass, ${JSON.stringify(behind)} behind it`,
  };
}

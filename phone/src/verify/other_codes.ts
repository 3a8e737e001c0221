/** What a text is that is no readable pass, as far as its beginning tells. */

import { WireError } from "../wire/errors.js";
import { parseNumber } from "../wire/number.js";
import { PREFIX } from "../wire/payload.js";
import { message, type Message } from "../words/words.js";

/** EU digital COVID certificate, SMART Health Card, web address; what a device is set up with. */
const SCHEMES = [
  ["hc1:", "reason.covid-certificate"],
  ["shc:/", "reason.health-card"],
  ["http://", "reason.web-address"],
  ["https://", "reason.web-address"],
  ["mpe1:", "reason.enrolment"],
] as const;

/** What becomes of MP1: where a scanner that presses the keys of a US keyboard meets another layout. */
const LAYOUTS = new Map([
  ["MP1Ö", "layout.german-swedish"],
  ["MP1Æ", "layout.danish"],
  ["MP1Ø", "layout.norwegian"],
  ["MP1Ñ", "layout.spanish"],
  ["MP1Ç", "layout.italian-portuguese"],
  ["MP1Ş", "layout.turkish"],
  ["?P&M", "layout.french"],
]);
/** The form of a signed JSON Web Token, RFC 7519. */
const JWT = /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
/** Barcodes of papers that drivers show with a pass; other_codes.py says where each is described. */
// eslint-disable-next-line no-control-regex -- a smart ID card may have control characters between its fields
const SMART_ID = /^[\x00-\x20]*NM[ -~]{1,100}[\x00-\x20]*NW[0-9]{10}[\x00-\x20]*OL/;
const PAPERS = [
  [/^<pin>[0-9]{10,17}<\/pin>/i, "reason.national-id"],
  [SMART_ID, "reason.national-id"],
  [/^P[A-Z<][A-Z]{3}[A-Z<]{39}/, "reason.passport"],
] as const;
/** What is said of codes whose very beginning is about a person: nothing of such a text is shown. */
export const PERSONAL: ReadonlySet<string> = new Set(PAPERS.map(([, key]) => key));
const BENGALI = /^[\u0980-\u09ff]/;

/** Say what a text is that is no pass: another scheme's code, or one typed through a wrong keyboard layout. */
export function whatElse(text: string): Message {
  const start = beginning(text, "https://".length).toLowerCase();
  const scheme = SCHEMES.find(([begins]) => start.startsWith(begins));
  if (scheme) return message(scheme[1]);
  if (JWT.test(text)) return message("reason.signed-token");
  const paper = PAPERS.find(([form]) => form.test(text));
  if (paper) return message(paper[1]);
  const layout = LAYOUTS.get(beginning(text, PREFIX.length).toUpperCase());
  if (layout !== undefined) return message("reason.keyboard-layout", { layout: message(layout) });
  if (BENGALI.test(text)) return message("reason.keyboard-layout", { layout: message("layout.bangla") });
  return message(isNumber(text) ? "reason.pass-number" : "reason.not-a-pass");
}

function isNumber(text: string): boolean {
  try {
    parseNumber(text);
    return true;
  } catch (e) {
    if (e instanceof WireError) return false;
    throw e;
  }
}

/** Say what is wrong with a text that says that it is a pass. */
export function whatIsWrong(text: string): Message {
  const wrongCase = !text.startsWith(PREFIX) && beginning(text, PREFIX.length).toUpperCase() === PREFIX;
  return message(wrongCase ? "reason.letter-case" : "reason.malformed");
}

function beginning(text: string, length: number): string {
  return Array.from(text.slice(0, 2 * length))
    .slice(0, length)
    .join("");
}

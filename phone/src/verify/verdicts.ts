/** What a verification says: outcome, verdict, the check that decided, and what may be shown of the pass. */

import type { Pass } from "../wire/claims.js";
import { formatNumber } from "../wire/number.js";
import type { Message } from "../words/words.js";

export type Outcome = "accept" | "reject" | "cannot-verify";

/** Every check, in the order in which they are made. The first that fails decides. */
export const CHECKS = [
  "bounds",
  "prefix",
  "encoding",
  "envelope",
  "key-known",
  "key-good",
  "signature",
  "claims",
  "clock",
  "key-validity",
  "time",
  "status",
  "freshness",
] as const;
export type Check = (typeof CHECKS)[number];

/** The outcome that each verdict is always shown as. docs/spec.md has the rule behind each. */
const OUTCOMES = {
  valid: "accept",
  forged: "reject",
  revoked: "reject",
  expired: "reject",
  "not-yet-valid": "reject",
  "key-revoked": "reject",
  "key-not-valid-then": "reject",
  malformed: "reject",
  "not-a-pass": "reject",
  "unknown-key": "cannot-verify",
  "unsupported-version": "cannot-verify",
  "status-unknown": "cannot-verify",
  stale: "cannot-verify",
  "clock-wrong": "cannot-verify",
  "scanner-wrong": "cannot-verify",
} as const satisfies Record<string, Outcome>;
export type Verdict = keyof typeof OUTCOMES;

/** How old what the device relies on is; times in seconds since 1970 UTC, null before the first sync. */
export interface Freshness {
  readonly published: number | null;
  readonly syncedAt: number | null;
  readonly now: number;
  /** Seconds from the publication until now, not below 0. */
  readonly age: number | null;
  readonly syncSoon: boolean;
  /** Seconds from which on no accept rests on the lists, and whether they are so old. */
  readonly maxAge: number;
  readonly tooOld: boolean;
}

/** The result of verifying one text. */
export interface Verification {
  readonly outcome: Outcome;
  readonly verdict: Verdict;
  /** The reason, to be said in words that an officer can repeat. */
  readonly why: Message;
  /** What a help desk may want to know besides, in English. */
  readonly technical: string;
  /** The check that decided; null where all passed. */
  readonly failed: Check | null;
  /** What the pass says, its number and who signed, only where its signature held and its claims could be read. */
  readonly pass: Pass | null;
  readonly passNumber: string | null;
  readonly authority: { readonly name: string; readonly test: boolean } | null;
  readonly freshness: Freshness;
}

export function outcomeOf(verdict: Verdict): Outcome {
  return OUTCOMES[verdict];
}

export function numberOf(pass: Pass): string {
  return formatNumber(pass.day, pass.index);
}

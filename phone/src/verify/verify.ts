/**
 * The verdict: a pure function of the text, the keys, the lists, one captured time and the policy.
 *
 * The steps are numbered as in docs/spec.md, "Verifying". Nothing here reads a clock, a store or a network.
 */

import { verifies, withdrawn, type KeySet, type PassKey, type UsableKey } from "../trust/keys.js";
import { hex } from "../wire/bytes.js";
import { decodeClaims, type Pass } from "../wire/claims.js";
import { PayloadError, WireError } from "../wire/errors.js";
import { openText, type Envelope } from "../wire/payload.js";
import { dayOf } from "../wire/times.js";
import { message, type Message } from "../words/words.js";
import type { StatusLists } from "./lists.js";
import { PERSONAL, whatElse, whatIsWrong } from "./other_codes.js";
import type { Policy } from "./policy.js";
import { findPayload } from "./scanner.js";
import { numberOf, outcomeOf, type Check, type Freshness, type Verdict, type Verification } from "./verdicts.js";

/** What a device holds, and the time that the decision is for, seconds since 1970 UTC. */
export interface Known {
  readonly keys: KeySet;
  readonly lists: StatusLists;
  readonly now: number;
  readonly policy: Policy;
  /** The latest time at which this device has verified anything since its last sync; null if it has not. */
  readonly lastSeen: number | null;
}

/** Checks that fail where a scanner's settings have changed a payload. */
const FORM: ReadonlySet<Check | null> = new Set(["prefix", "encoding", "envelope"]);

/** A check has failed; the first one that does decides. */
class Stop {
  constructor(
    readonly check: Check,
    readonly verdict: Verdict,
    readonly why: Message,
    readonly technical = "",
  ) {}
}

/** Decide whether a text, without a line end, is a pass that is genuine, in force and not revoked. */
export async function verify(text: string, known: Known): Promise<Verification> {
  const result = await decideOn(text, known);
  if (!FORM.has(result.failed)) return result;
  const found = findPayload(text);
  if (!found || (await decideOn(found.payload, known)).verdict !== "valid") return result;
  const { why, technical } = found;
  return { ...result, outcome: outcomeOf("scanner-wrong"), verdict: "scanner-wrong", why, technical };
}

/** Make the checks of a text as it stands. */
async function decideOn(text: string, known: Known): Promise<Verification> {
  const freshness = freshnessOf(known);
  let pass: Pass | null = null;
  const decide = async (): Promise<Stop | null> => {
    const envelope = open(text); // 1 to 4
    if (envelope instanceof Stop) return envelope;
    const key = keyOf(envelope, known.keys, freshness); // 5, 6
    if (key instanceof Stop) return key;
    const forged = await checkSignature(envelope, key); // 7
    if (forged) return forged;
    const claims = claimsOf(envelope); // 8
    if (claims instanceof Stop) return claims;
    pass = claims;
    return (
      checkClock(freshness, known) ?? // 9
      checkKeyValidity(claims, key) ?? // 10
      checkTime(claims, freshness) ?? // 11
      checkStatus(claims, known.lists, freshness) ?? // 12
      checkFreshness(freshness) // 13
    );
  };
  const stop = await decide();
  return result(stop, pass, known.keys, freshness);
}

function result(stop: Stop | null, pass: Pass | null, keys: KeySet, freshness: Freshness): Verification {
  const verdict = stop?.verdict ?? "valid";
  return {
    outcome: outcomeOf(verdict),
    verdict,
    why: stop?.why ?? message("reason.valid", { until: pass?.notAfter ?? 0 }),
    technical: stop?.technical ?? "",
    failed: stop?.check ?? null,
    pass,
    passNumber: pass && numberOf(pass),
    authority: pass && { name: keys.authority, test: keys.test },
    freshness,
  };
}

/** Say why a good pass could not be accepted now, or null where it could: checks 9, 12 for today, and 13. */
export function readiness(known: Known): Message | null {
  const freshness = freshnessOf(known);
  if (freshness.age === null) return message("ready.never-synced");
  const stop = checkClock(freshness, known) ?? checkFreshness(freshness);
  if (stop) return stop.why;
  return known.lists.days.has(dayOf(known.now)) ? null : message("ready.no-list", { day: dayOf(known.now) });
}

export function freshnessOf({ lists, now, policy }: Known): Freshness {
  const age = lists.published === null ? null : Math.max(0, now - lists.published);
  const olderThan = (seconds: number): boolean => age !== null && age > seconds;
  const { warningAge, maxAge } = policy;
  const judged = { age, syncSoon: olderThan(warningAge), maxAge, tooOld: olderThan(maxAge) };
  return { published: lists.published, syncedAt: lists.syncedAt, now, ...judged };
}

/** Steps 1 to 4: bounds, prefix and version, base45, the envelope's one form. */
function open(text: string): Envelope | Stop {
  try {
    return openText(text);
  } catch (e) {
    if (!(e instanceof PayloadError)) throw e;
    if (e.kind === "unsupported-version")
      return new Stop(e.check, e.kind, message("reason.unsupported-version"), e.message);
    const why = e.kind === "not-a-pass" ? whatElse(text) : whatIsWrong(text);
    return new Stop(e.check, e.kind, why, PERSONAL.has(why.key) ? "" : e.message);
  }
}

/** Steps 5 and 6: the key is known, and neither denied nor revoked. */
function keyOf(envelope: Envelope, keys: KeySet, freshness: Freshness): UsableKey | Stop {
  const kid = hex(envelope.kid);
  const key = keys.keys.get(kid);
  const withdrawal = withdrawn(keys, kid);
  if (withdrawal) {
    return new Stop("key-good", "key-revoked", message("reason.key-revoked", { kid, why: withdrawal.reason }));
  }
  if (isUsable(key)) return key;
  if (key) return new Stop("key-known", "unknown-key", message("phone.reason.no-ed25519"));
  const { age } = freshness;
  const why =
    age === null ? message("reason.no-keys") : message("reason.unknown-key", { authority: keys.authority, age });
  return new Stop("key-known", "unknown-key", why);
}

function isUsable(key: PassKey | undefined): key is UsableKey {
  return Boolean(key?.key);
}

/** Step 7: the signature is the key's, by the key's own algorithm. */
async function checkSignature(envelope: Envelope, key: UsableKey): Promise<Stop | null> {
  if (envelope.alg === key.alg && (await verifies(key, envelope.signature, envelope.signed))) return null;
  return new Stop("signature", "forged", message("reason.forged"));
}

/** Step 8: what was signed keeps the rules. */
function claimsOf(envelope: Envelope): Pass | Stop {
  try {
    return decodeClaims(envelope.claims);
  } catch (e) {
    if (e instanceof WireError) return new Stop("claims", "malformed", message("reason.claims"), e.message);
    throw e;
  }
}

/** Step 9: the clock is not before what this device has seen already. */
function checkClock({ published, now }: Freshness, { policy, lastSeen }: Known): Stop | null {
  const floors = [
    ["reason.clock-before-lists", published],
    ["reason.clock-before-check", lastSeen],
  ] as const;
  for (const [key, seen] of floors) {
    if (seen !== null && now < seen - policy.clockSlack)
      return new Stop("clock", "clock-wrong", message(key, { now, seen }));
  }
  return null;
}

/** Step 10: [nbf, exp) lies inside the key's validity. */
function checkKeyValidity(pass: Pass, key: PassKey): Stop | null {
  if (key.notBefore <= pass.notBefore && pass.notAfter <= key.notAfter) return null;
  const values = { kid: key.kid, from: key.notBefore, until: key.notAfter };
  return new Stop("key-validity", "key-not-valid-then", message("reason.key-not-valid-then", values));
}

/** Step 11: nbf <= now < exp. */
function checkTime(pass: Pass, { now, age, tooOld }: Freshness): Stop | null {
  if (now < pass.notBefore) {
    return new Stop("time", "not-yet-valid", message("reason.not-yet-valid", { from: pass.notBefore, now }));
  }
  if (now < pass.notAfter) return null;
  const key = age === null || tooOld ? "reason.expired-old-lists" : "reason.expired";
  return new Stop("time", "expired", message(key, { until: pass.notAfter, now }));
}

/** Step 12: the list of the pass's day is there, and does not hold its index. */
function checkStatus(pass: Pass, lists: StatusLists, { age }: Freshness): Stop | null {
  const list = lists.days.get(pass.day);
  if (list) return list.holds(pass.index) ? new Stop("status", "revoked", message("reason.revoked")) : null;
  const { day } = pass;
  const why =
    age === null ? message("reason.status-never-synced", { day }) : message("reason.status-unknown", { day, age });
  return new Stop("status", "status-unknown", why);
}

/** Step 13: what was relied on is not too old. */
function checkFreshness({ age, maxAge, tooOld }: Freshness): Stop | null {
  if (age === null) return new Stop("freshness", "stale", message("reason.stale-unknown-age"));
  if (!tooOld) return null;
  return new Stop("freshness", "stale", message("reason.stale", { age, max: maxAge }));
}

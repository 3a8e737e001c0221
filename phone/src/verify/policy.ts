/** What one agency decides for itself, in seconds; docs/spec.md, "Limits". */

export interface Policy {
  /** Lists that are older give `stale`: no accept rests on them. */
  readonly maxAge: number;
  /** Lists that are older are still good, and shown as getting old. */
  readonly warningAge: number;
  /** How far the phone's clock may be behind the newest publication that it has seen. */
  readonly clockSlack: number;
}

export const DEFAULT_POLICY: Policy = { maxAge: 24 * 3600, warningAge: 6 * 3600, clockSlack: 300 };

/** The bounds are those of `movepass_verifier/deciding/lists.py`; a test holds them together. */
const MAX_AGE_LEAST = 15 * 60;
const MAX_AGE_MOST = 48 * 3600;
const WARNING_AGE_LEAST = 60;
const UNITS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86400 };

/** A policy that may not be built in; says what was expected and what came. */
export class PolicyError extends Error {}

/**
 * Read a policy as it is given to `make phone`: lengths of time like 90m, 24h or 2d, or nothing for what is usual.
 *
 * @throws PolicyError
 */
export function readPolicy(maxAge = "", warningAge = ""): Policy {
  const policy = {
    ...DEFAULT_POLICY,
    ...(maxAge && { maxAge: seconds(maxAge, "a maximum age") }),
    ...(warningAge && { warningAge: seconds(warningAge, "a warning age") }),
  };
  if (policy.maxAge < MAX_AGE_LEAST || policy.maxAge > MAX_AGE_MOST)
    throw new PolicyError(`expected a maximum age from 15m to 48h, got ${maxAge}`);
  if (policy.warningAge < WARNING_AGE_LEAST || policy.warningAge >= policy.maxAge) {
    const [most, came] = [maxAge || "24h", warningAge || "6h, the usual one"];
    throw new PolicyError(`expected a warning age from 1m to less than the maximum age of ${most}, got ${came}`);
  }
  return policy;
}

function seconds(text: string, what: string): number {
  const [, count, unit] = /^([0-9]{1,6})([mhd])$/.exec(text) ?? [];
  const size = UNITS[unit ?? ""];
  if (size === undefined) throw new PolicyError(`expected ${what} like 90m, 24h or 2d, got ${text.slice(0, 40)}`);
  return Number(count) * size;
}

/** Why nothing came of a source. The catalogue has words for each kind, under "phone.sync." */

/** What the source offers must not be taken. */
export type Refusal =
  | "not-ours" // not what an authority publishes
  | "unsigned" // not signed by those whom this device trusts
  | "behind" // older than what the device holds
  | "root-order" // a root that does not come next
  | "expired" // published too long ago, or the clock is ahead
  | "wrong-file" // not the file that was signed
  | "too-long" // longer than was signed
  | "unreadable" // signed, and yet breaks a rule
  | "too-large"; // signed, and more than a phone takes

/** It gave no answer, or none that was of use. */
export type Unreachable = "no-connection" | "login-page" | "missing" | "slow" | "status";

/** A sync from one source failed; the device keeps what it has. `detail` is for a help desk, in English. */
export class SourceError extends Error {
  constructor(
    readonly kind: Refusal | Unreachable,
    readonly detail: string,
  ) {
    super(`${kind}: ${detail}`);
  }
}

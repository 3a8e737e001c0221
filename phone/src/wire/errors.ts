/** Something does not follow docs/spec.md; the message says what was expected and what came. */
export class WireError extends Error {}

/** A text that is not a readable pass: the check of the verify path that failed, and what the text is instead. */
export class PayloadError extends WireError {
  constructor(
    readonly check: "bounds" | "prefix" | "encoding" | "envelope",
    readonly kind: "not-a-pass" | "unsupported-version" | "malformed",
    message: string,
    readonly version = "",
  ) {
    super(message);
  }
}

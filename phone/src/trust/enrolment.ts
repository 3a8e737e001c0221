/** Setting a device up by one QR code: `MPE1:` and base45 of {"source": URL or list, "root": SHA-256 of the root}. */

import * as base45 from "../wire/base45.js";
import { hex, sha256, type Bytes } from "../wire/bytes.js";
import { WireError } from "../wire/errors.js";
import { SourceError } from "./errors.js";
import { JsonError, member, parse, type Json } from "./json.js";
import { fetchFirstRoot } from "./offer.js";
import type { Source } from "./source.js";
import { TrustedSet } from "./trusted.js";

export const PREFIX = "MPE1:";
/** What a QR code holds of the alphanumeric set. */
const ENROLMENT_MAX_CHARS = 4296;
const HASH = /^[0-9a-fA-F]{64}$/;
const SOURCES_MAX = 16;

/** Where a device shall sync from, and the hash of the root that it shall trust. */
export interface Enrolment {
  readonly sources: readonly string[];
  readonly root: string;
}

/** Read a code's text; null where it is not one for setting up. */
export function readEnrolment(text: string): Enrolment | null {
  if (!text.startsWith(PREFIX) || text.length > ENROLMENT_MAX_CHARS) return null;
  try {
    const document = parse(base45.decode(text.slice(PREFIX.length)), { once: true });
    const [source, root] = [member(document, "source"), member(document, "root")];
    const named = Array.isArray(source) ? source : [source];
    if (!(document instanceof Map) || document.size !== 2) return null;
    if (typeof root !== "string" || !HASH.test(root)) return null;
    if (named.length > SOURCES_MAX || !named.every((name) => typeof name === "string" && name)) return null;
    const sources = named.filter((name) => isAddress(name));
    return sources.length ? { sources, root: root.toLowerCase() } : null;
  } catch (e) {
    if (e instanceof WireError || e instanceof JsonError) return null;
    throw e;
  }
}

function isAddress(name: Json | undefined): name is string {
  try {
    return typeof name === "string" && /^https?:\/\/[^\s/]/.test(name) && new URL(name).host !== "";
  } catch {
    return false;
  }
}

/** Give the root's fingerprint as custodians read it to each other: eight groups of five digits. */
export function digitsOf({ root }: Enrolment): string {
  const digits = (BigInt(`0x${root}`) % 10n ** 40n).toString().padStart(40, "0");
  return digits.match(/.{5}/g)?.join(" ") ?? "";
}

/**
 * Fetch the first root from the first source that has it, and believe it if it is the one whose hash the code has.
 *
 * @throws SourceError: it could not be had, or is another; the last source's.
 */
export async function fetchRoot(sources: readonly Source[], enrolment: Enrolment, now: number): Promise<Bytes> {
  let failed = new SourceError("missing", "no source");
  for (const source of sources) {
    try {
      const root = await fetchFirstRoot(source);
      if (hex(await sha256(root)) !== enrolment.root)
        throw new SourceError("wrong-file", `another root: ${source.name}`);
      await TrustedSet.from(root, now);
      return root;
    } catch (e) {
      if (!(e instanceof SourceError)) throw e;
      failed = e;
    }
  }
  throw failed;
}

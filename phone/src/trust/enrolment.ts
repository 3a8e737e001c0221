/** Setting a device up by one QR code: `MPE1:` and base45 of {"source": URL or list, "root": SHA-256 of the root}. */

import * as base45 from "../wire/base45.js";
import { fromHex, hex, sha256, type Bytes } from "../wire/bytes.js";
import { WireError } from "../wire/errors.js";
import { SourceError } from "./errors.js";
import { JsonError, member, parse, type Json } from "./json.js";
import { fetchFirstRoot } from "./offer.js";
import type { Source } from "./source.js";
import { TrustedSet } from "./trusted.js";

export const PREFIX = "MPE1:";
const HASH_BYTES = 32;
const SOURCES_MAX = 16;

/** Where a device shall sync from, and the hash of the root that it shall trust. */
export interface Enrolment {
  readonly sources: readonly string[];
  readonly root: string;
}

/** Read a code's text; null where it is not one for setting up. */
export function readEnrolment(text: string): Enrolment | null {
  if (!text.startsWith(PREFIX)) return null;
  try {
    const document = parse(base45.decode(text.slice(PREFIX.length)));
    const [source, root] = [member(document, "source"), member(document, "root")];
    const sources = (Array.isArray(source) ? source : [source]).filter((name) => isAddress(name));
    if (typeof root !== "string" || fromHex(root)?.length !== HASH_BYTES) return null;
    if (!sources.length || sources.length > SOURCES_MAX) return null;
    return { sources, root: root.toLowerCase() };
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

/** What a pass says, read from its form on the wire: CWT claims (RFC 8392) in deterministic CBOR. */

import type { Bytes } from "./bytes.js";
import { decode, type CborMap, type Value } from "./cbor.js";
import { WireError } from "./errors.js";
import { INDEX_LIMIT, PASS_MAX_SECONDS, TIME_LIMIT } from "./limits.js";
import { checkText, unpackText } from "./text.js";
import { dayOf } from "./times.js";

const EXP = 4n;
const NBF = 5n;
const BODY = -65537n;
const REQUIRED = 7n;
/** Body keys from here on mean nothing to this software, and are kept as they came. */
const UNKNOWN = 10n;
const CODE_LIMIT = 1 << 16;

/** A district by its number in codes.json, and where in it, if that was given. */
export interface Place {
  readonly district: number;
  readonly text: string | null;
}

/**
 * What an authority signed: one person, one way, one stretch of time.
 *
 * notBefore is the first second of validity (nbf), notAfter the first one after it (exp), seconds since 1970 UTC;
 * day, the UTC day of exp, and index name the pass. Codes are numbers in codes.json.
 */
export interface Pass {
  readonly index: number;
  readonly day: number;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly holderName: string;
  readonly idType: number;
  readonly idLast: string;
  readonly origin: Place;
  readonly destination: Place;
  readonly reason: number | string;
  readonly vehicle: string | null;
  readonly driverName: string | null;
  readonly driverLicenceLast: string | null;
  readonly unknown: ReadonlyMap<bigint, Value>;
}

/**
 * Read claims whose signature has been checked, strictly.
 *
 * @throws WireError: not deterministic CBOR of the subset, or a rule or limit is broken.
 */
export function decodeClaims(data: Bytes): Pass {
  const claims = decode(data);
  if (!(claims instanceof Map) || claims.size !== 3 || ![EXP, NBF, BODY].every((key) => claims.has(key))) {
    throw new WireError("claims hold exactly exp (4), nbf (5) and the body (-65537)");
  }
  const body = claims.get(BODY);
  if (!(body instanceof Map)) throw new WireError("the body is a map");
  const fields = integerKeys(body);
  const notBefore = integer("not_before", claims.get(NBF), TIME_LIMIT);
  const notAfter = integer("not_after", claims.get(EXP), TIME_LIMIT);
  if (notAfter <= notBefore) throw new WireError("not_after: must be later than not_before");
  if (notAfter - notBefore > PASS_MAX_SECONDS) {
    throw new WireError(`not_after: a pass lasts at most ${PASS_MAX_SECONDS / 3600} hours`);
  }
  return {
    index: integer("index", fields.get(0n), INDEX_LIMIT),
    day: dayOf(notAfter),
    notBefore,
    notAfter,
    holderName: text("holder.name", fields.get(1n)),
    idType: integer("holder.id_type", fields.get(2n)),
    idLast: text("holder.id_last", fields.get(3n)),
    origin: place("from", fields.get(4n)),
    destination: place("to", fields.get(5n)),
    reason: typeof fields.get(6n) === "bigint" ? integer("reason", fields.get(6n)) : text("reason", fields.get(6n)),
    vehicle: optionalText("vehicle.registration", fields.get(7n)),
    driverName: optionalText("vehicle.driver.name", fields.get(8n)),
    driverLicenceLast: optionalText("vehicle.driver.licence_last", fields.get(9n)),
    unknown: new Map(Array.from(fields).filter(([key]) => key < 0n || key >= UNKNOWN)),
  };
}

function integerKeys(body: CborMap): Map<bigint, Value> {
  const fields = new Map<bigint, Value>();
  for (const [key, value] of body) {
    if (typeof key === "string") throw new WireError("the body's keys are integers");
    fields.set(key, value);
  }
  for (let key = 0n; key < REQUIRED; key++) if (!fields.has(key)) throw new WireError(`body key ${key} is missing`);
  return fields;
}

function integer(name: string, value: Value | undefined, limit = CODE_LIMIT): number {
  if (typeof value !== "bigint" || value < 0n || value >= BigInt(limit)) {
    throw new WireError(`${name}: expected a number from 0 to ${limit - 1}`);
  }
  return Number(value);
}

function text(name: string, value: Value | undefined): string {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) throw new WireError(`${name}: expected text`);
  const unpacked = unpackText(value);
  checkText(name, unpacked);
  return unpacked;
}

function optionalText(name: string, value: Value | undefined): string | null {
  return value === undefined ? null : text(name, value);
}

function place(name: string, value: Value | undefined): Place {
  if (!Array.isArray(value)) return { district: integer(`${name}.district`, value), text: null };
  if (value.length !== 2) throw new WireError(`${name}: expected a district, or a district and a text`);
  return { district: integer(`${name}.district`, value[0]), text: text(`${name}.place`, value[1]) };
}

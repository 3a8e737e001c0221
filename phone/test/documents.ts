/** Results in the JSON form of `movepass verify --json`, to be compared with the Python verifier's. */

import type { Verification } from "../src/verify/verdicts.js";
import { concat, hex, type Bytes } from "../src/wire/bytes.js";
import type { CborMap, Value } from "../src/wire/cbor.js";
import type { Pass, Place } from "../src/wire/claims.js";
import { iso } from "../src/wire/times.js";
import { DISTRICTS, ID_TYPES, REASONS, type Code } from "../src/words/codes.js";

export type Document = Record<string, unknown>;

export function verification(result: Verification): Document {
  return {
    outcome: result.outcome,
    verdict: result.verdict,
    failed: result.failed,
    pass: result.pass && passDocument(result.pass),
    pass_number: result.passNumber,
    authority: result.authority,
  };
}

function passDocument(pass: Pass): Document {
  const driver = defined({ name: pass.driverName, licence_last: pass.driverLicenceLast });
  const vehicle = defined({ registration: pass.vehicle, driver: Object.keys(driver).length ? driver : null });
  return defined({
    holder: { name: pass.holderName, id_type: keyOf(ID_TYPES, pass.idType), id_last: pass.idLast },
    from: placeDocument(pass.origin),
    to: placeDocument(pass.destination),
    reason: typeof pass.reason === "number" ? keyOf(REASONS, pass.reason) : pass.reason,
    not_before: iso(pass.notBefore),
    not_after: iso(pass.notAfter),
    vehicle: Object.keys(vehicle).length ? vehicle : null,
    unknown: pass.unknown.size ? plainMap(pass.unknown) : null,
  });
}

function placeDocument(place: Place): Document {
  return defined({ district: keyOf(DISTRICTS, place.district), place: place.text });
}

/** Claims as tests/vectors/README.md has them: codes as numbers, times as seconds. */
export function claimsDocument(pass: Pass): Document {
  const place = ({ district, text }: Place): Document => defined({ district, place: text });
  const unknown = Object.fromEntries(Array.from(pass.unknown, ([key, value]) => [String(key), hex(encode(value))]));
  return defined({
    index: pass.index,
    not_before: pass.notBefore,
    not_after: pass.notAfter,
    holder_name: pass.holderName,
    id_type: pass.idType,
    id_last: pass.idLast,
    from: place(pass.origin),
    to: place(pass.destination),
    reason: pass.reason,
    vehicle: pass.vehicle,
    driver_name: pass.driverName,
    driver_licence_last: pass.driverLicenceLast,
    unknown: pass.unknown.size ? unknown : null,
  });
}

function keyOf(table: ReadonlyMap<number, Code>, code: number): string | number {
  return table.get(code)?.key ?? code;
}

function defined(document: Document): Document {
  return Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null));
}

function plain(value: Value): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return plainMap(value);
  return typeof value === "bigint" ? Exact.of(value) : value;
}

function plainMap(map: CborMap | ReadonlyMap<bigint, Value>): Document {
  return Object.fromEntries(Array.from(map as CborMap, ([key, value]) => [String(key), plain(value)]));
}

/** An integer of any size on its way into JSON. */
export class Exact {
  constructor(readonly digits: string) {}
  static of(value: bigint): Exact | number {
    return Number.isSafeInteger(Number(value)) ? Number(value) : new Exact(String(value));
  }
}

/** Write JSON with integers of any size. */
export function stringify(document: unknown): string {
  const marked = JSON.stringify(document, (_, value: unknown) =>
    value instanceof Exact ? `\u0000${value.digits}\u0000` : value,
  );
  return marked.replace(/"\\u0000(-?[0-9]+)\\u0000"/g, "$1");
}

function encode(value: Value): Bytes {
  if (typeof value === "boolean") return Uint8Array.of(value ? 0xf5 : 0xf4);
  if (typeof value === "bigint") return value >= 0n ? head(0, value) : head(1, -1n - value);
  if (typeof value === "string") return encodeBytes(3, new TextEncoder().encode(value));
  if (value instanceof Uint8Array) return encodeBytes(2, value);
  if (Array.isArray(value)) return concat(head(4, BigInt(value.length)), ...value.map(encode));
  const items = Array.from(value, ([key, item]) => concat(encode(key), encode(item))); // read in order, so still in it
  return concat(head(5, BigInt(value.size)), ...items);
}

function encodeBytes(major: number, data: Uint8Array): Bytes {
  return concat(head(major, BigInt(data.length)), data);
}

function head(major: number, argument: bigint): Bytes {
  if (argument < 24n) return Uint8Array.of((major << 5) | Number(argument));
  const width = [1, 2, 4, 8].findIndex((size) => argument < 1n << BigInt(8 * size));
  const size = 1 << width;
  const bytes = Array.from({ length: size }, (_, i) => Number((argument >> BigInt(8 * (size - 1 - i))) & 0xffn));
  return Uint8Array.of((major << 5) | (24 + width), ...bytes);
}

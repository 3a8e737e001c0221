/**
 * The signed documents of The Update Framework (specification 1.0), read and held against their signatures.
 *
 * What is read is only what a device goes by; all else that was signed counts for the signature and for nothing more.
 */

import { concat, fromHex, hex, type Bytes } from "../wire/bytes.js";
import { TIME_LIMIT } from "../wire/limits.js";
import { SourceError } from "./errors.js";
import { canonical, JsonError, member, parse, type Json, type JsonObject } from "./json.js";
import { ECDSA, ED25519_NAME, importPoint, pointOf, rawFromDer, SPKI_ED25519, type Point } from "./points.js";

export type Type = "root" | "timestamp" | "snapshot" | "targets";
const TYPES: readonly Type[] = ["root", "timestamp", "snapshot", "targets"];
const PUBLISHED = "x-movepass-published";
const SPEC_VERSION = /^1(?:\.[0-9]+){1,2}$/;
const EXPIRES = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** A document, its signatures not yet checked. */
export interface Document {
  readonly type: Type;
  readonly version: bigint;
  /** Seconds since 1970 UTC. */
  readonly expires: number;
  readonly signed: JsonObject;
  /** What the signatures are over. */
  readonly canonical: Bytes;
  readonly signatures: ReadonlyMap<Json, Json>;
}

/** Which keys sign for a role, and how many must. */
export interface Role {
  readonly keyids: readonly string[];
  readonly threshold: bigint;
}

interface Key {
  readonly kind: Point["kind"];
  /** Null where the key is written as one of another kind: it can sign nothing. */
  readonly key: CryptoKey | null;
}

/** Who may sign what: of a root, or of targets that delegate. */
export interface Delegator {
  readonly keys: ReadonlyMap<string, Key>;
  readonly roles: ReadonlyMap<string, Role>;
}

/** What is signed about a file: for a document its version as well. */
export interface File {
  readonly length: bigint | null;
  readonly hashes: ReadonlyMap<string, string>;
}
export interface MetaFile extends File {
  readonly version: bigint;
}
/** One log, as signed; a phone's own bound, lower than docs/spec.md's default. */
export const LOG_MAX_BYTES = 64 << 20;

export interface TargetFile extends File {
  readonly path: string;
  readonly length: bigint;
  readonly custom: Json | undefined;
}

/**
 * Read a document of the expected type.
 *
 * @throws SourceError: not such a document.
 */
export function readDocument(data: Bytes, expected: Type): Document {
  const document = ours(() => parse(data));
  const signed = member(document, "signed");
  const list = member(document, "signatures");
  if (!(signed instanceof Map) || !Array.isArray(list)) throw notOurs("no document of a repository");
  const type = TYPES.find((name) => name === signed.get("_type"));
  if (type !== expected) throw notOurs(`expected ${expected}, got ${shown(signed.get("_type"))}`);
  const specVersion = signed.get("spec_version");
  if (typeof specVersion !== "string" || !SPEC_VERSION.test(specVersion)) throw notOurs("its format is another");
  return {
    type,
    version: positive(signed.get("version"), "version"),
    expires: time(signed.get("expires")),
    signed,
    canonical: ours(() => canonical(type === "timestamp" ? snapshotOnly(signed) : signed)),
    signatures: signaturesOf(list),
  };
}

/** Give the signed time of a timestamp's publication, seconds since 1970 UTC; null where it has none. */
export function publishedAt(timestamp: Document): number | null {
  const published = timestamp.signed.get(PUBLISHED);
  return typeof published === "bigint" && published >= 0n && published < TIME_LIMIT ? Number(published) : null;
}

/** A timestamp's signatures are over what it says of the snapshot; python-tuf drops all else from its "meta". */
function snapshotOnly(signed: JsonObject): JsonObject {
  const file = member(signed.get("meta"), "snapshot.json");
  return file === undefined ? signed : new Map([...signed, ["meta", new Map([["snapshot.json", file]])]]);
}

function signaturesOf(list: readonly Json[]): Map<Json, Json> {
  const signatures = new Map<Json, Json>();
  for (const item of list) {
    const [keyid, signature] = [member(item, "keyid"), member(item, "sig")];
    if (keyid === undefined || signature === undefined || keyid instanceof Object || signatures.has(keyid)) {
      throw notOurs("signatures: expected one under each key's id");
    }
    signatures.set(keyid, signature);
  }
  return signatures;
}

/**
 * See that a document carries enough signatures of those who hold a role.
 *
 * @throws SourceError: it does not.
 */
export async function checkSigned(document: Document, delegator: Delegator, roleName: string): Promise<void> {
  const role = delegator.roles.get(roleName);
  if (!role) throw notOurs(`nobody may sign ${roleName}`);
  let signed = 0n;
  for (const keyid of role.keyids) {
    const key = delegator.keys.get(keyid);
    const signature = document.signatures.get(keyid);
    if (key && signature !== undefined && (await holds(key, signature, document.canonical))) signed += 1n;
  }
  if (signed < role.threshold) {
    throw new SourceError("unsigned", `${roleName} was signed by ${signed}/${role.threshold} keys`);
  }
}

/** A signature in hexadecimal; python-tuf lets white space stand between its bytes. */
const SIGNATURE = /^(?:\s*[0-9a-fA-F]{2})*\s*$/;

async function holds({ kind, key }: Key, signature: Json, message: Bytes): Promise<boolean> {
  const written = typeof signature === "string" && SIGNATURE.test(signature) ? signature : null;
  const bytes = written === null ? null : fromHex(written.replace(/\s+/g, ""));
  const raw = bytes !== null && kind === "P-256" ? rawFromDer(bytes) : bytes;
  return (
    raw !== null && key !== null && crypto.subtle.verify(kind === "P-256" ? ECDSA : ED25519_NAME, key, raw, message)
  );
}

/** Read who may sign what from a root. */
export async function rootDelegator(root: Document): Promise<Delegator> {
  const roles = object(root.signed.get("roles"), "roles");
  if (roles.size !== TYPES.length || !TYPES.every((type) => roles.has(type))) throw notOurs("a root has four roles");
  if (root.signed.get("consistent_snapshot") !== true) throw notOurs("its files are not named by hash");
  const named = new Map(Array.from(roles, ([name, role]) => [name, roleOf(role)]));
  return { keys: await keysOf(root.signed.get("keys")), roles: named };
}

export interface TargetsDelegator extends Delegator {
  readonly paths: ReadonlyMap<string, readonly string[]>;
}

/** Read who may sign what from targets, and which names each may give; without delegations, nobody and none. */
export async function targetsDelegator(targets: Document): Promise<TargetsDelegator> {
  const delegations = targets.signed.get("delegations");
  const roles = new Map<string, Role>();
  const paths = new Map<string, string[]>();
  if (delegations === undefined) return { keys: new Map(), roles, paths };
  for (const item of array(member(delegations, "roles"), "delegated roles")) {
    const name = text(member(item, "name"), "a role's name");
    if (!name || roles.has(name) || TYPES.some((type) => type === name)) throw notOurs(`a role called ${shown(name)}`);
    if (member(item, "terminating") === undefined) throw notOurs("a delegation that does not say whether it ends");
    roles.set(name, roleOf(item));
    paths.set(
      name,
      array(member(item, "paths"), "paths").map((path) => text(path, "path")),
    );
  }
  return { keys: await keysOf(member(delegations, "keys")), roles, paths };
}

function roleOf(value: Json): Role {
  const keyids = array(member(value, "keyids"), "keyids").map((keyid) => text(keyid, "keyid"));
  if (new Set(keyids).size !== keyids.length) throw notOurs("a role names a key twice");
  return { keyids, threshold: positive(member(value, "threshold"), "threshold") };
}

/** Read keys; one key twice, under two ids, would count as two, and is refused. */
async function keysOf(value: Json | undefined): Promise<Map<string, Key>> {
  const points = Array.from(object(value, "keys"), ([keyid, key]) => [keyid, ...pointOfKey(key)] as const);
  if (new Set(points.map(([, , point]) => hex(point.spki))).size !== points.length) {
    throw new SourceError("unsigned", "a key is listed twice, under two ids");
  }
  const keys = new Map<string, Key>();
  for (const [keyid, kind, point] of points) {
    const key = await importPoint(point);
    if (key === null) throw new SourceError("unsigned", "a key can't be read");
    keys.set(keyid, { kind, key: kind === point.kind ? key : null });
  }
  return keys;
}

const KINDS = new Map<string, Point["kind"]>([
  ["ecdsa/ecdsa-sha2-nistp256", "P-256"],
  ["ecdsa-sha2-nistp256/ecdsa-sha2-nistp256", "P-256"], // as it was once written
  ["ed25519/ed25519", "Ed25519"],
]);
const PEM = /-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----/;

/** Read which kind a key says that it is of, and its point as it is written. */
function pointOfKey(value: Json): readonly [Point["kind"], Point] {
  const said = `${shown(member(value, "keytype"))}/${shown(member(value, "scheme"))}`;
  const kind = KINDS.get(said);
  if (kind === undefined) throw notOurs(`a key of the kind ${said}`);
  const written = text(member(member(value, "keyval"), "public"), "public key");
  const point = pointOf(written.includes("BEGIN") ? pemKey(written) : rawKey(written));
  if (point === null) throw new SourceError("unsigned", "a key can't be read");
  return [kind, point];
}

function rawKey(written: string): Bytes {
  return concat(SPKI_ED25519, fromHex(written) ?? new Uint8Array());
}

function pemKey(written: string): Bytes {
  const base64 = (PEM.exec(written)?.[1] ?? "").replace(/\s+/g, "");
  try {
    const binary = atob(base64);
    if (btoa(binary) === base64) return Uint8Array.from(binary, (char) => char.charCodeAt(0));
  } catch (e) {
    if (!(e instanceof DOMException)) throw e;
  }
  return new Uint8Array();
}

/** Read what a timestamp says of the snapshot. */
export function snapshotFile(timestamp: Document): MetaFile {
  return metaFile(object(timestamp.signed.get("meta"), "meta").get("snapshot.json"));
}

/** Read what a snapshot says of the documents. */
export function documentFiles(snapshot: Document): Map<string, MetaFile> {
  return new Map(Array.from(object(snapshot.signed.get("meta"), "meta"), ([name, file]) => [name, metaFile(file)]));
}

/** Read the targets that a document names. */
export function targetFiles(targets: Document): Map<string, TargetFile> {
  const named = object(targets.signed.get("targets"), "targets");
  return new Map(
    Array.from(named, ([path, value]) => {
      const custom = member(value, "custom");
      return [
        path,
        { path, custom, length: natural(member(value, "length")), hashes: hashesOf(member(value, "hashes")) },
      ];
    }),
  );
}

function metaFile(value: Json | undefined): MetaFile {
  const length = member(value, "length");
  const hashes = member(value, "hashes");
  return {
    version: positive(member(value, "version"), "version"),
    length: length === undefined ? null : natural(length),
    hashes: hashes === undefined ? new Map() : hashesOf(hashes),
  };
}

function hashesOf(value: Json | undefined): Map<string, string> {
  const hashes = object(value, "hashes");
  if (!hashes.size) throw notOurs("no hash");
  return new Map(Array.from(hashes, ([name, hash]) => [name, text(hash, "hash")]));
}

const ALGORITHMS = new Map([
  ["sha256", "SHA-256"],
  ["sha384", "SHA-384"],
  ["sha512", "SHA-512"],
]);

/** Name the file of a target: its hash stands before its name. */
export function targetPath({ path, hashes }: TargetFile): string {
  const at = path.lastIndexOf("/") + 1;
  const [hash = ""] = hashes.values();
  return `targets/${path.slice(0, at)}${hash}.${path.slice(at)}`;
}

/** Tell whether bytes are the file that was signed. */
export async function isFile(file: File, data: Bytes): Promise<boolean> {
  if (file.length !== null && file.length !== BigInt(data.length)) return false;
  for (const [name, expected] of file.hashes) {
    const algorithm = ALGORITHMS.get(name);
    if (algorithm === undefined) return false;
    if (hex(new Uint8Array(await crypto.subtle.digest(algorithm, data))) !== expected) return false;
  }
  return true;
}

export function isExpired(document: Document, now: number): boolean {
  return now >= document.expires;
}

function notOurs(detail: string): SourceError {
  return new SourceError("not-ours", detail);
}

function ours<T>(read: () => T): T {
  try {
    return read();
  } catch (e) {
    if (e instanceof JsonError) throw notOurs(e.message);
    throw e;
  }
}

function object(value: Json | undefined, what: string): JsonObject {
  if (!(value instanceof Map)) throw notOurs(`${what}: expected an object`);
  return value;
}

function array(value: Json | undefined, what: string): Json[] {
  if (!Array.isArray(value)) throw notOurs(`${what}: expected a list`);
  return value;
}

function text(value: Json | undefined, what: string): string {
  if (typeof value !== "string") throw notOurs(`${what}: expected text`);
  return value;
}

function natural(value: Json | undefined): bigint {
  if (typeof value !== "bigint" || value < 0n) throw notOurs("a length: expected a number");
  return value;
}

function positive(value: Json | undefined, what: string): bigint {
  if (typeof value !== "bigint" || value < 1n) throw notOurs(`${what}: expected a number from 1`);
  return value;
}

/** Read a time; one that no calendar has is none. */
function time(value: Json | undefined): number {
  const written = text(value, "expires");
  const milliseconds = EXPIRES.test(written) ? Date.parse(written) : NaN;
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString().slice(0, 19) !== written.slice(0, 19)) {
    throw notOurs("expires: expected a time like 2026-11-22T09:00:00Z");
  }
  return milliseconds / 1000;
}

function shown(value: Json | undefined): string {
  return typeof value === "string" ? value.slice(0, 40) : typeof value;
}

/** The phone's side of tests/phone/differential.py: answers each line of JSON with one. */

import { createInterface } from "node:readline";
import { SourceError } from "../src/trust/errors.js";
import { logTarget, type Held } from "../src/trust/held.js";
import { NO_KEYS, readKeys, type KeySet } from "../src/trust/keys.js";
import { offer } from "../src/trust/offer.js";
import { stateOf } from "../src/trust/state.js";
import { answer as byNumber } from "../src/verify/by_number.js";
import { DEFAULT_POLICY } from "../src/verify/policy.js";
import { shown } from "../src/verify/shown.js";
import type { DayList } from "../src/verify/lists.js";
import { verify } from "../src/verify/verify.js";
import { concat, fromHex, hex, sha256, type Bytes } from "../src/wire/bytes.js";
import { WireError } from "../src/wire/errors.js";
import { readLog, type StatusLog } from "../src/wire/statuslog.js";
import { LANGUAGES, type Language } from "../src/words/catalogues.js";
import type { Message } from "../src/words/words.js";
import { stringify, verification, type Document } from "./documents.js";
import { Files, NO_PARTIALS } from "./files.js";

/** What tests/phone/*.py send. */
interface PayloadRequest {
  kind: "payload";
  state?: { keys: unknown; denied: unknown; days: Record<string, string> };
  text: string;
  language: Language;
  now: number;
  published: number | null;
  lists: boolean;
  last_seen: number | null;
  policy: { max_age: number; warning_age: number; clock_slack: number };
}
interface LogRequest {
  kind: "log";
  log: string;
}
interface PublicationRequest {
  kind: "publication";
  files?: Record<string, string>;
  root: string;
  now: number;
  changed: Record<string, string>;
  gone: string[];
  fresh: boolean;
}
interface NumberRequest {
  kind: "number";
  text: string;
  days: Record<string, number[]>;
  now: number;
  published: number | null;
}
type Request = PayloadRequest | LogRequest | PublicationRequest | NumberRequest;

const device: { keys?: KeySet; days: Map<number, DayList> } = { days: new Map() };

async function payload(request: PayloadRequest): Promise<Document> {
  if (request.state) {
    const { keys, denied, days } = request.state;
    device.keys = await readKeys(utf8(JSON.stringify(keys)), utf8(JSON.stringify(denied)));
    device.days = new Map(
      Object.entries(days).map(([day, log]) => [Number(day), readLog(fromHex(log) ?? new Uint8Array())]),
    );
    return { result: "ready" };
  }
  if (!device.keys) throw new Error("no state yet");
  const { published, policy } = request;
  const result = await verify(request.text, {
    keys: device.keys,
    lists: { days: request.lists ? device.days : new Map(), published, syncedAt: published },
    now: request.now,
    policy: { maxAge: policy.max_age, warningAge: policy.warning_age, clockSlack: policy.clock_slack },
    lastSeen: request.last_seen,
  });
  const { outcome, verdict, reason, advice, rows } = shown(result, LANGUAGES[request.language]);
  const unknown = LANGUAGES[request.language].text("label.unknown"); // as Python writes it, which is its own way
  const known = rows.filter(([label]) => label !== unknown);
  return { ...verification(result), why: why(result.why), shown: { outcome, verdict, reason, advice, rows: known } };
}

function why({ key, values }: Message): unknown {
  const plain = Object.entries(values).map(([name, value]) => [name, typeof value === "object" ? why(value) : value]);
  return [key, Object.fromEntries(plain)];
}

async function log(request: LogRequest): Promise<Document> {
  try {
    const read = readLog(fromHex(request.log) ?? new Uint8Array());
    const indexes = concat(
      ...Array.from(read.indexes(), (index) => Uint8Array.of(index >>> 24, index >>> 16, index >>> 8, index)),
    );
    const { day, generation } = read;
    checkSearch(read);
    return { result: "read", day, generation, sha256: hex(await sha256(indexes)) };
  } catch (e) {
    if (e instanceof WireError) return { result: "refused" };
    throw e;
  }
}

/** See that a search finds what the log lists, and nothing beside it. */
function checkSearch(log: StatusLog): void {
  const indexes = new Set(log.indexes());
  for (const index of indexes) {
    for (const near of [Math.max(0, index - 1), index, index + 1]) {
      if (log.holds(near) !== indexes.has(near)) throw new Error(`a search for ${near} is wrong`);
    }
  }
}

const repository: { files: Record<string, string>; enrolled?: Held; held?: Held; now: number } = { files: {}, now: 0 };

async function publication(request: PublicationRequest): Promise<Document> {
  if (request.files) {
    repository.files = request.files;
    repository.now = request.now;
    repository.enrolled = enrolled(latin(request.root));
    repository.held = await offer(repository.enrolled, new Files(bytesOf(request.files)), NO_PARTIALS, request.now);
    return taken(repository.held);
  }
  const files = { ...repository.files, ...request.changed };
  const kept = Object.entries(files).filter(([path]) => !request.gone.includes(path));
  const before = request.fresh ? repository.enrolled : repository.held;
  if (!before) throw new Error("no publication yet");
  try {
    const after = await offer(before, new Files(bytesOf(Object.fromEntries(kept))), NO_PARTIALS, repository.now);
    await stateOf(after);
    return await taken(after);
  } catch (e) {
    if (e instanceof SourceError) return { result: "refused" };
    throw e;
  }
}

function enrolled(root: Bytes): Held {
  return {
    syncs: 0,
    sources: [],
    published: null,
    syncedAt: null,
    metadata: new Map([["root", root]]),
    documents: new Map(),
    logs: new Map(),
  };
}

async function taken(held: Held): Promise<Document> {
  const logs = Array.from(held.logs, ([day, data]) => [logTarget(day), data] as const);
  const files: Record<string, string> = {};
  for (const [name, data] of [...held.metadata, ...held.documents, ...logs]) files[name] = hex(await sha256(data));
  return { result: "taken", published: held.published, files };
}

function bytesOf(files: Record<string, string>): Map<string, Bytes> {
  return new Map(Object.entries(files).map(([path, data]) => [path, latin(data)]));
}

function latin(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** What is known of a typed number. */
function number({ text, days, now, published }: NumberRequest): Document {
  const listOf = (indexes: number[]): DayList => ({ count: indexes.length, holds: (index) => indexes.includes(index) });
  const lists = new Map(Object.entries(days).map(([day, indexes]) => [Number(day), listOf(indexes)]));
  const known = {
    keys: NO_KEYS,
    lists: { days: lists, published, syncedAt: published },
    now,
    policy: DEFAULT_POLICY,
    lastSeen: null,
  };
  const { outcome, number, suggestions, readable, ...said } = byNumber(text, known);
  return { result: outcome, number, suggestions, readable, why: why(said.why), known: said.known.map(why) };
}

async function answer(request: Request): Promise<Document> {
  if (request.kind === "payload") return payload(request);
  if (request.kind === "number") return number(request);
  return request.kind === "log" ? log(request) : publication(request);
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(stringify(await answer(JSON.parse(line) as Request)));
}

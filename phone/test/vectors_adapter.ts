/** Puts the phone's verifier behind tests/run_vectors.py; tests/vectors/README.md has the requests and answers. */

import { createInterface } from "node:readline";
import { readEnrolment } from "../src/trust/enrolment.js";
import { KeyDocumentError, NO_KEYS, readKeys, type KeySet } from "../src/trust/keys.js";
import { SourceError } from "../src/trust/errors.js";
import { logTarget, type Held } from "../src/trust/held.js";
import { offer } from "../src/trust/offer.js";
import { stateOf } from "../src/trust/state.js";
import { verify } from "../src/verify/verify.js";
import { fromHex, hex, sha256, type Bytes } from "../src/wire/bytes.js";
import { decodeClaims } from "../src/wire/claims.js";
import { PayloadError, WireError } from "../src/wire/errors.js";
import { formatNumber, parseNumber, resolveDay } from "../src/wire/number.js";
import { ESP256, openText } from "../src/wire/payload.js";
import { readLog } from "../src/wire/statuslog.js";
import { claimsDocument, stringify, verification, type Document } from "./documents.js";
import { Files, NO_PARTIALS } from "./files.js";

/** What tests/run_vectors.py sends; the runner has checked its form. */
export interface State {
  keys: unknown;
  denied: unknown;
  lists: { published: number | null; synced_at: number | null; days: Record<string, string> };
}
interface Request {
  id: string;
  kind: string;
  text: string;
  state: State;
  now: number;
  policy: { max_age: number; warning_age: number; clock_slack: number };
  last_seen: number | null;
  keys: string;
  denied: string;
  root: string;
  held: { files: Record<string, string>; now: number } | null;
  files: Record<string, string>;
  log: string;
  day: number;
  index: number;
  day_in_number: number;
  near: number;
}

const KINDS: Record<string, (request: Request) => Document | Promise<Document>> = {
  payload: ({ text }) => payload(text),
  verify: async (request) => verification(await verified(request)),
  "statuslog-read": ({ log }) =>
    refusedOr(() => {
      const read = readLog(bytes(log));
      return { day: read.day, generation: read.generation, indexes: Array.from(read.indexes()) };
    }),
  "number-read": ({ text }) => refusedOr(() => ({ ...parseNumber(text) })),
  "number-write": ({ day, index }) => refusedOr(() => ({ number: formatNumber(day, index) })),
  keys: async ({ keys, denied }) => {
    try {
      return await keyDocuments(await readKeys(latin(keys), latin(denied)));
    } catch (e) {
      if (e instanceof KeyDocumentError) return { refused: true };
      throw e;
    }
  },
  enrolment: ({ text }) => ({ ...(readEnrolment(text) ?? { refused: true }) }),
  sync: async ({ root, held, files, now }) => {
    const none = { syncs: 0, sources: [], published: null, syncedAt: null, documents: new Map(), logs: new Map() };
    let before: Held = { ...none, metadata: new Map([["root", latin(root)]]) };
    if (held) before = await fetched(before, held.files, held.now);
    try {
      return await taken(await fetched(before, files, now));
    } catch (e) {
      if (e instanceof SourceError) return { refused: PROBLEMS[e.kind] ?? "refused" };
      throw e;
    }
  },
  "number-day": ({ day_in_number, near }) => ({ day: resolveDay(day_in_number, near) }),
};

/** What a kind of error is called in the vectors, where it is not "refused". */
const PROBLEMS: Partial<Record<SourceError["kind"], string>> = { behind: "behind", missing: "unreachable" };

async function fetched(held: Held, files: Record<string, string>, now: number): Promise<Held> {
  const source = new Files(new Map(Object.entries(files).map(([path, data]) => [path, latin(data)])));
  const after = await offer(held, source, NO_PARTIALS, now);
  await stateOf(after);
  return after;
}

async function taken(held: Held): Promise<Document> {
  const logs = Array.from(held.logs, ([day, data]) => [logTarget(day), data] as const);
  const files: Record<string, string> = {};
  for (const [name, data] of [...held.documents, ...logs]) files[name] = hex(await sha256(data));
  return { published: held.published, files };
}

async function keyDocuments({ authority, test, keys, denied }: KeySet): Promise<Document> {
  const sorted = <T>(items: ReadonlyMap<string, T>): [string, T][] =>
    Array.from(items).sort(([a], [b]) => (a < b ? -1 : 1));
  const known = sorted(keys).map(async ([kid, { alg, key, notBefore, notAfter, revoked }]) => {
    if (key === null) throw new Error(`Node.js can't read the key ${kid}`);
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", key));
    const point = hex(alg === ESP256 ? raw.slice(1) : raw); // without the byte 04 of SEC 1
    return { kid, alg, public: point, nbf: notBefore, exp: notAfter, revoked };
  });
  return {
    authority: { name: authority, test },
    keys: await Promise.all(known),
    denied: sorted(denied).map(([kid, withdrawal]) => ({ kid, ...withdrawal })),
  };
}

/** Return the bytes that a text's characters stand for. */
function latin(text: string): Bytes {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function payload(text: string): Document {
  try {
    const envelope = openText(text);
    const claims = claimsDocument(decodeClaims(envelope.claims));
    return { decoded: { alg: envelope.alg, kid: hex(envelope.kid), claims, signature: hex(envelope.signature) } };
  } catch (e) {
    if (e instanceof PayloadError) return { refused: { check: e.check, kind: e.kind } };
    if (e instanceof WireError) return { refused: { check: "claims", kind: "malformed" } };
    throw e;
  }
}

async function verified({ text, state, now, policy, last_seen }: Request): ReturnType<typeof verify> {
  const { published, synced_at, days } = state.lists;
  const read = Object.entries(days).map(([day, log]) => [Number(day), readLog(bytes(log))] as const);
  return verify(text, {
    keys: state.keys === null ? NO_KEYS : await readKeys(json(state.keys), json(state.denied)),
    lists: { days: new Map(read), published, syncedAt: synced_at },
    now,
    policy: { maxAge: policy.max_age, warningAge: policy.warning_age, clockSlack: policy.clock_slack },
    lastSeen: last_seen,
  });
}

function refusedOr(answer: () => Document): Document {
  try {
    return answer();
  } catch (e) {
    if (e instanceof WireError) return { refused: true };
    throw e;
  }
}

function bytes(text: string): Bytes {
  const data = fromHex(text);
  if (data === null) throw new Error(`not hexadecimal: ${text}`);
  return data;
}

function json(document: unknown): Bytes {
  return new TextEncoder().encode(JSON.stringify(document));
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  const answer = KINDS[request.kind];
  if (!answer) throw new Error(`unknown kind ${request.kind}`);
  console.log(stringify({ id: request.id, ...(await answer(request)) }));
}

/** A device behind lines of JSON, for the attacks of tests/attacks: it syncs over HTTP, and keeps things in memory. */

import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { Device } from "../src/device.js";
import { Memory } from "../src/store/database.js";
import { Store } from "../src/store/store.js";
import { SourceError } from "../src/trust/errors.js";
import type { Source } from "../src/trust/source.js";
import { TrustedSet } from "../src/trust/trusted.js";
import { Web } from "../src/trust/web.js";
import type { Bytes } from "../src/wire/bytes.js";
import { formatReason } from "./reasons.js";
import { stringify, verification, type Document } from "./documents.js";

/** What tests/phone/attacks.py sends; times are seconds since 1970 UTC. */
interface Request {
  kind: "enroll" | "sync" | "verify" | "dump";
  root: string;
  url: string;
  now: number;
  seconds: { silence: number; file: number };
  text: string;
}

let store = new Store(new Memory());
let device: Device | null = null;
let now = 0;

/** Counts what comes. */
class Counted implements Source {
  readonly name: string;
  received = 0;
  requests = 0;
  constructor(private readonly inner: Source) {
    this.name = inner.name;
  }
  async open(path: string, start: number): ReturnType<Source["open"]> {
    this.requests += 1;
    const answer = await this.inner.open(path, start);
    return { start: answer.start, pieces: this.count(answer.pieces) };
  }
  private async *count(pieces: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
    for await (const piece of pieces) {
      this.received += piece.length;
      yield piece;
    }
  }
}

async function answer(request: Request): Promise<Document> {
  if (request.now) now = request.now;
  if (request.kind === "enroll") return enroll(Buffer.from(request.root, "base64"));
  if (request.kind === "dump") return dump();
  if (!device) throw new Error("not enrolled");
  if (request.kind === "verify") {
    const result = await device.verify(request.text, request.now);
    return { ...verification(result), reason: formatReason(result.why) };
  }
  const source = new Counted(new Web(request.url, request.seconds));
  const { changed, failures } = await device.sync([source]);
  const failed = failures[0]?.error;
  const counts = { requests: source.requests, received: source.received };
  if (failed) return { ...counts, failed: failed.kind, detail: failed.detail };
  return { ...counts, changed, days: Array.from((await store.held()).logs.keys()) };
}

async function enroll(data: Buffer): Promise<Document> {
  const root = new Uint8Array(data);
  try {
    await TrustedSet.from(root, now);
  } catch (e) {
    if (e instanceof SourceError) return { failed: e.kind, detail: e.detail };
    throw e;
  }
  store = new Store(new Memory());
  await store.enroll(root, []);
  device = await Device.open(store, () => now);
  return { enrolled: true };
}

async function dump(): Promise<Document> {
  const { metadata, documents, logs, published, syncs, syncedAt } = await store.held();
  const hash = createHash("sha256").update(JSON.stringify([published, syncs, syncedAt]));
  for (const [name, data] of [...metadata, ...documents, ...logs])
    hash.update(`\n${name} ${data.length} `).update(data);
  const text = Object.fromEntries(Array.from(metadata, ([role, data]) => [role, Buffer.from(data).toString("base64")]));
  return { hash: hash.digest("hex"), metadata: text };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(stringify(await answer(JSON.parse(line) as Request)));
}

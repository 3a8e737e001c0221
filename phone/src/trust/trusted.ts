/**
 * What a device may trust of what a source offers: the client workflow of The Update Framework (specification 1.0,
 * section 5), without fetching anything.
 *
 * It begins from the documents held, takes newer ones in order, and refuses what is not signed, expired, older than
 * what is held, or not what was signed. What is held and no longer holds is passed over, as if it were not there.
 */

import type { Bytes } from "../wire/bytes.js";
import { SourceError } from "./errors.js";
import {
  checkSigned,
  documentFiles,
  isExpired,
  isFile,
  readDocument,
  rootDelegator,
  snapshotFile,
  targetFiles,
  targetsDelegator,
  type Delegator,
  type Document,
  type MetaFile,
  type TargetFile,
  type TargetsDelegator,
} from "./metadata.js";

export const STATUS = "status";
/** The roles below the root whose documents a device holds. */
export const ROLES = ["timestamp", "snapshot", "targets", STATUS] as const;
export type RoleName = (typeof ROLES)[number];

/** One role's document as it is trusted, with its bytes. */
interface Trusted {
  readonly document: Document;
  readonly data: Bytes;
}

export class TrustedSet {
  private readonly documents = new Map<RoleName, Trusted>();
  private timestampFile: MetaFile | null = null;
  private files = new Map<string, MetaFile>();
  private targets: { readonly delegator: TargetsDelegator; readonly files: ReadonlyMap<string, TargetFile> } | null =
    null;
  /** What the status role names. */
  statusTargets: ReadonlyMap<string, TargetFile> = new Map();

  private constructor(
    private readonly now: number,
    private root: Trusted,
    private delegator: Delegator,
  ) {}

  /** Begin from a root that the device trusts already, at a time in seconds since 1970 UTC. */
  static async from(data: Bytes, now: number): Promise<TrustedSet> {
    const document = readDocument(data, "root");
    const delegator = await rootDelegator(document);
    await checkSigned(document, delegator, "root");
    return new TrustedSet(now, { document, data }, delegator);
  }

  get rootVersion(): bigint {
    return this.root.document.version;
  }

  /** Give the bytes of what is trusted, by role. */
  get metadata(): Map<string, Bytes> {
    const all = Array.from(this.documents, ([role, trusted]): [string, Bytes] => [role, trusted.data]);
    return new Map([["root", this.root.data], ...all]);
  }

  /** Take the next root: signed by those of the one before and by its own. It may have expired, if another follows. */
  async takeRoot(data: Bytes): Promise<void> {
    const document = readDocument(data, "root");
    const delegator = await rootDelegator(document);
    await checkSigned(document, this.delegator, "root");
    if (document.version !== this.rootVersion + 1n) {
      throw new SourceError("root-order", `expected root version ${this.rootVersion + 1n}, got ${document.version}`);
    }
    await checkSigned(document, delegator, "root");
    this.root = { document, data };
    this.delegator = delegator;
  }

  /** Begin from the timestamp held; an expired one still says what not to go behind. */
  async holdTimestamp(data: Bytes | undefined): Promise<void> {
    await passedOver(async () => {
      if (data && !isExpired(this.root.document, this.now)) await this.addTimestamp(data);
    });
  }

  /** Take a timestamp; one of the version held changes nothing. */
  async takeTimestamp(data: Bytes): Promise<void> {
    if (isExpired(this.root.document, this.now)) throw new SourceError("expired", "root");
    await this.addTimestamp(data);
    this.checkTimestamp();
  }

  private async addTimestamp(data: Bytes): Promise<void> {
    const document = readDocument(data, "timestamp");
    await checkSigned(document, this.delegator, "timestamp");
    const file = snapshotFile(document);
    const held = this.documents.get("timestamp")?.document;
    if (held && document.version < held.version) throw behind("timestamp", document.version, held.version);
    if (held?.version === document.version) return;
    if (this.timestampFile && file.version < this.timestampFile.version) {
      throw behind("snapshot", file.version, this.timestampFile.version);
    }
    this.documents.set("timestamp", { document, data });
    this.timestampFile = file;
  }

  private checkTimestamp(): void {
    if (isExpired(this.need("timestamp").document, this.now)) throw new SourceError("expired", "timestamp");
  }

  /** Begin from the snapshot held; tells whether it is the one that the timestamp names. */
  async holdSnapshot(data: Bytes | undefined): Promise<boolean> {
    return passedOver(async () => {
      if (!data) return false;
      await this.addSnapshot(data);
      this.checkSnapshot();
      return true;
    });
  }

  async takeSnapshot(data: Bytes): Promise<void> {
    if (!(await isFile(this.snapshotFile, data))) throw new SourceError("wrong-file", "snapshot");
    await this.addSnapshot(data);
    this.checkSnapshot();
  }

  /** What the timestamp says of the snapshot. */
  get snapshotFile(): MetaFile {
    if (!this.timestampFile) throw new SourceError("not-ours", "no timestamp");
    return this.timestampFile;
  }

  private async addSnapshot(data: Bytes): Promise<void> {
    this.checkTimestamp();
    const document = readDocument(data, "snapshot");
    await checkSigned(document, this.delegator, "snapshot");
    const files = documentFiles(document);
    for (const [name, held] of this.files) {
      const file = files.get(name);
      if (!file) throw new SourceError("not-ours", `the snapshot leaves ${name} out`);
      if (file.version < held.version) throw behind(name, file.version, held.version);
    }
    this.documents.set("snapshot", { document, data });
    this.files = files;
  }

  private checkSnapshot(): void {
    const { document } = this.need("snapshot");
    if (isExpired(document, this.now)) throw new SourceError("expired", "snapshot");
    if (document.version !== this.snapshotFile.version) {
      throw behind("snapshot", document.version, this.snapshotFile.version);
    }
  }

  /** What the snapshot says of the targets' or the status role's document. */
  file(role: "targets" | typeof STATUS): MetaFile {
    const file = this.files.get(`${role}.json`);
    if (!file) throw new SourceError("not-ours", `the snapshot leaves ${role} out`);
    return file;
  }

  /** Begin from the document held; tells whether it is the one that the snapshot names. */
  async hold(role: "targets" | typeof STATUS, data: Bytes | undefined): Promise<boolean> {
    return passedOver(async () => {
      if (!data) return false;
      await this.take(role, data);
      return true;
    });
  }

  async take(role: "targets" | typeof STATUS, data: Bytes): Promise<void> {
    this.checkSnapshot();
    const file = this.file(role);
    if (!(await isFile(file, data))) throw new SourceError("wrong-file", role);
    const document = readDocument(data, "targets");
    await checkSigned(document, role === "targets" ? this.delegator : this.delegated(), role);
    const targets = targetFiles(document);
    if (document.version !== file.version) throw behind(role, document.version, file.version);
    if (isExpired(document, this.now)) throw new SourceError("expired", role);
    if (role === "targets") this.targets = { delegator: await targetsDelegator(document), files: targets };
    else this.statusTargets = targets;
    this.documents.set(role, { document, data });
  }

  private delegated(): TargetsDelegator {
    if (!this.targets) throw new SourceError("not-ours", "no targets");
    return this.targets.delegator;
  }

  /** Find what is signed of a target: by the custodians, or by the status role where they let it. */
  target(path: string): TargetFile {
    const mayName = this.delegated()
      .paths.get(STATUS)
      ?.some((pattern) => matches(pattern, path));
    const found = this.targets?.files.get(path) ?? (mayName ? this.statusTargets.get(path) : undefined);
    if (!found) throw new SourceError("not-ours", `${path} is not published`);
    return found;
  }

  /** The timestamp's signed part. */
  get timestamp(): Document {
    return this.need("timestamp").document;
  }

  private need(role: RoleName): Trusted {
    const trusted = this.documents.get(role);
    if (!trusted) throw new SourceError("not-ours", `no ${role}`);
    return trusted;
  }
}

function behind(what: string, version: bigint, held: bigint): SourceError {
  return new SourceError("behind", `${what} of version ${version}, expected ${held}`);
}

/** Do something with what is held; where that no longer holds, it is as if it were not there. */
async function passedOver<T>(what: () => Promise<T>): Promise<T | false> {
  try {
    return await what();
  } catch (e) {
    if (e instanceof SourceError) return false;
    throw e;
  }
}

/** Match a target's path: a star stands for anything but a slash, a question mark for one character. */
function matches(pattern: string, path: string): boolean {
  const [patterns, parts] = [pattern.split("/"), path.split("/")];
  const fits = (part: string, i: number): boolean => {
    const escaped = (patterns[i] ?? "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`^${escaped.replaceAll("\\*", ".*").replaceAll("\\?", ".")}$`, "su").test(part);
  };
  return patterns.length === parts.length && parts.every(fits);
}

/**
 * JSON (RFC 8259) read exactly: what is signed must not change by being read.
 *
 * Integers are bigint, however large; objects are Maps, so that no name is special; of a number with a fraction or an
 * exponent, which no document of ours has, only its text is kept.
 */

import { utf8, type Bytes } from "../wire/bytes.js";

export type Json = null | boolean | string | bigint | Inexact | Json[] | JsonObject;
export type JsonObject = Map<string, Json>;

export class JsonError extends Error {}

/** A number that is no integer. */
export class Inexact {
  constructor(readonly text: string) {}
}

/** Arrays and objects inside each other; ours come to seven. */
const DEPTH_MAX = 200;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// eslint-disable-next-line no-control-regex -- a JSON string holds none
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;
const LITERALS = [
  ["null", null],
  ["true", true],
  ["false", false],
] as const;

/**
 * Read a document in UTF-8. A member that comes twice counts as it came last, as for python-tuf, or is refused.
 *
 * @throws JsonError: not JSON.
 */
export function parse(data: Bytes, { once = false } = {}): Json {
  const text = utf8(data);
  if (text === null) throw new JsonError("not UTF-8");
  const reader = new Reader(text, once);
  const value = reader.value(DEPTH_MAX);
  reader.end();
  return value;
}

/** Give a member of an object; undefined where there is none, or no object. */
export function member(value: Json | undefined, name: string): Json | undefined {
  return value instanceof Map ? value.get(name) : undefined;
}

class Reader {
  private at = 0;
  constructor(
    private readonly text: string,
    private readonly once: boolean,
  ) {}

  value(depth: number): Json {
    this.match(SPACE);
    const char = this.text.charAt(this.at);
    if (char === "{" || char === "[") {
      if (depth === 0) throw new JsonError("too deep");
      this.at += 1;
      return char === "{" ? this.object(depth - 1) : this.array(depth - 1);
    }
    if (char === '"') return this.string();
    for (const [word, value] of LITERALS) if (this.take(word)) return value;
    const number = this.match(NUMBER);
    if (number === null) throw new JsonError(`unexpected at ${this.at}`);
    return /^-?[0-9]+$/.test(number) ? BigInt(number) : new Inexact(number);
  }

  end(): void {
    this.match(SPACE);
    if (this.at !== this.text.length) throw new JsonError(`more follows at ${this.at}`);
  }

  private object(depth: number): JsonObject {
    const members: JsonObject = new Map();
    if (this.closed("}")) return members;
    do {
      this.match(SPACE);
      const name = this.string();
      this.match(SPACE);
      if (!this.take(":")) throw new JsonError(`expected : at ${this.at}`);
      if (this.once && members.has(name)) throw new JsonError(`a member twice at ${this.at}`);
      members.set(name, this.value(depth));
    } while (this.more("}"));
    return members;
  }

  private array(depth: number): Json[] {
    const items: Json[] = [];
    if (this.closed("]")) return items;
    do items.push(this.value(depth));
    while (this.more("]"));
    return items;
  }

  private closed(bracket: string): boolean {
    this.match(SPACE);
    return this.take(bracket);
  }

  private more(bracket: string): boolean {
    this.match(SPACE);
    if (this.take(",")) return true;
    if (!this.take(bracket)) throw new JsonError(`expected , or ${bracket} at ${this.at}`);
    return false;
  }

  private string(): string {
    const quoted = this.match(STRING);
    if (quoted === null) throw new JsonError(`expected a string at ${this.at}`);
    return JSON.parse(quoted) as string;
  }

  private take(word: string): boolean {
    const there = this.text.startsWith(word, this.at);
    if (there) this.at += word.length;
    return there;
  }

  private match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? null;
    if (found !== null) this.at += found.length;
    return found;
  }
}

/**
 * Write what a signature of The Update Framework is over: canonical JSON, keys by code point, only " and \ escaped.
 *
 * @throws JsonError: a number that is no integer, or text that is none.
 */
export function canonical(value: Json): Bytes {
  const text = write(value);
  if (/[\ud800-\udfff]/u.test(text)) throw new JsonError("half a surrogate pair");
  return new TextEncoder().encode(text);
}

function write(value: Json): string {
  if (value instanceof Inexact) throw new JsonError(`${value.text} is no integer`);
  if (typeof value === "string") return `"${value.replace(/["\\]/g, "\\$&")}"`;
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (!(value instanceof Map)) return String(value);
  const members = Array.from(value).sort(([a], [b]) => byCodePoint(a, b));
  return `{${members.map(([name, item]) => `${write(name)}:${write(item)}`).join(",")}}`;
}

/** Compare by code point: where UTF-16 has a surrogate, the character is beyond all that has none. */
function byCodePoint(a: string, b: string): number {
  const [x, y] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < x.length && i < y.length; i++) {
    const difference = (x[i]?.codePointAt(0) ?? 0) - (y[i]?.codePointAt(0) ?? 0);
    if (difference) return difference;
  }
  return x.length - y.length;
}

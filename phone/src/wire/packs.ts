/** Packs: all that a device of a known publication lacks, in one file (docs/spec.md, section 9). They add no trust. */

import type { Bytes } from "./bytes.js";
import { WireError } from "./errors.js";
import { PACK_MAX_BYTES } from "./limits.js";

const MAGIC = [0x4d, 0x50, 0x4b, 0x31];
const PLACE_BYTES = 8;
const ASCII_END = 0x80;

/** A document or a target, or the rest of one from an offset on. */
export interface Part {
  readonly start: number;
  readonly content: Bytes;
}

/**
 * Read a pack's parts by name.
 *
 * @throws WireError: the bytes are no whole pack.
 */
export function readPack(data: Bytes): Map<string, Part> {
  if (data.length > PACK_MAX_BYTES) throw new WireError(`a pack of ${data.length} bytes`);
  if (MAGIC.some((byte, i) => data[i] !== byte)) throw new WireError("expected a pack, which begins with MPK1");
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const parts = new Map<string, Part>();
  for (let at = MAGIC.length; at < data.length;) {
    const nameEnd = at + 1 + view.getUint8(at);
    const begins = nameEnd + PLACE_BYTES;
    if (begins > data.length) throw new WireError("the pack is cut short");
    const end = begins + view.getUint32(nameEnd + 4);
    if (end > data.length) throw new WireError("the pack is cut short");
    const characters = data.subarray(at + 1, nameEnd);
    const name = String.fromCharCode(...characters);
    if (!name || characters.some((byte) => byte >= ASCII_END) || parts.has(name)) {
      throw new WireError("expected names of ASCII characters, each once");
    }
    parts.set(name, { start: view.getUint32(nameEnd), content: data.slice(begins, end) });
    at = end;
  }
  return parts;
}

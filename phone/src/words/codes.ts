/** Districts, identity papers and reasons by number: the tables of the wire format (codes.json). */

import tables from "../../../wire/movepass_wire/codes.json";

/** One row: the number on the wire, the key in JSON, the names people read. */
export interface Code {
  readonly code: number;
  readonly key: string;
  readonly en: string;
  readonly bn: string;
}

function table(rows: readonly Code[]): ReadonlyMap<number, Code> {
  return new Map(rows.map((row) => [row.code, row]));
}

export const DISTRICTS = table(tables.districts);
export const ID_TYPES = table(tables.id_types);
export const REASONS = table(tables.reasons);

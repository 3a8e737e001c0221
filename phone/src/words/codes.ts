/** Districts, identity papers and reasons by number: the tables of the wire format (codes.json). */

import tables from "../../../wire/movepass_wire/codes.json";

/** One row: the number on the wire, the key in JSON, the names people read, by language. */
export interface Code {
  readonly code: number;
  readonly key: string;
  readonly names: Readonly<Record<string, string>>;
}

/** Give a row's name in a language, or in English where it has none in that. */
export function nameOf({ key, names }: Code, language: string): string {
  return names[language] ?? names.en ?? key;
}

function table(rows: readonly { readonly code: number; readonly key: string }[]): ReadonlyMap<number, Code> {
  return new Map(rows.map(({ code, key, ...names }) => [code, { code, key, names }]));
}

export const DISTRICTS = table(tables.districts);
export const ID_TYPES = table(tables.id_types);
export const REASONS = table(tables.reasons);

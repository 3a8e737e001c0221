/** Every bound of the wire format, by its name in docs/spec.md, "Limits". A test holds them against limits.py. */

export const TEXT_MAX_CHARS = 1024;
export const SCANNER_ADDS_MAX_CHARS = 32;
export const FIELD_MAX_CHARS = 64;
export const PASS_MAX_SECONDS = 12 * 3600;
export const INDEX_LIMIT = 2 ** 30;
export const TIME_LIMIT = 2 ** 32;
export const CLAIMS_MAX_DEPTH = 4;
export const RICE_MAX_K = 26;
export const PASS_DAYS_AHEAD_MAX = 4;
export const PUBLISHED_DAYS_AHEAD = 4;
export const PACK_MAX_BYTES = 1 << 20;
export const PACK_RECENT_SECONDS = 4500;
export const PACK_HOURS = 13;
export const PACK_FRESH_SECONDS = 600;
export const PACK_AHEAD_SECONDS = 300;

/** Days and clock times. Seconds since 1970 UTC inside; Asia/Dhaka, UTC+6 all year, wherever a person reads them. */

import { TIME_LIMIT } from "./limits.js";

export const DAY_SECONDS = 86400;
const DHAKA_SECONDS = 6 * 3600;

/** Give the UTC day (days since 1970-01-01) that a time falls in. */
export function dayOf(seconds: number): number {
  return Math.floor(seconds / DAY_SECONDS);
}

/** Write a time as ISO 8601 with Dhaka's offset; one outside the wire format's range as its end. */
export function iso(seconds: number): string {
  return `${inDhaka(seconds).slice(0, 19)}+06:00`;
}

/** Write a time for a person: date, hours and minutes in Dhaka. */
export function local(seconds: number): string {
  return inDhaka(seconds).slice(0, 16).replace("T", " ");
}

/** Write a day as YYYY-MM-DD. */
export function dayName(day: number): string {
  return new Date(day * DAY_SECONDS * 1000).toISOString().slice(0, 10);
}

function inDhaka(seconds: number): string {
  const bounded = Math.min(Math.max(seconds, 0), TIME_LIMIT);
  return new Date((bounded + DHAKA_SECONDS) * 1000).toISOString();
}

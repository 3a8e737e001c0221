/** What `make phone` builds in. */

import type { Policy } from "./verify/policy.js";

declare const CONFIG: {
  /** The authority's root document, or "" where phones are set up by a code. */
  readonly root: string;
  /** Where to sync from, against the page's own address. */
  readonly sources: readonly string[];
  /** Other hosts that the page may fetch from, as its Content-Security-Policy has them. */
  readonly hosts: readonly string[];
  /** How old lists may be. */
  readonly policy: Policy;
};
declare const WORKER_PATH: string;
declare const SCANNER_CHECK_PATH: string;
declare const VERSION: string;

export const config = CONFIG;
export const workerPath = WORKER_PATH;
export const scannerCheckPath = SCANNER_CHECK_PATH;
export const version = VERSION;

/** Tell whether the page may fetch from an address. */
export function mayFetch(address: string): boolean {
  const { origin } = new URL(address);
  return origin === location.origin || config.hosts.includes(origin);
}

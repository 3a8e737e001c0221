/**
 * Keeps the app's own files, each by its SHA-256, for the time without a network.
 *
 * A version is kept whole or not at all, and is used until no page of it is open any more: a newer one waits for that.
 * Nothing else is kept or answered: keys and lists go by the page's own sync.
 */

interface KeptFile {
  readonly path: string;
  readonly integrity: string;
}

declare const FILES: readonly KeptFile[];
declare const VERSION: string;

const worker = globalThis as unknown as ServiceWorkerGlobalScope;
const PREFIX = "movepass-";
const CACHE = PREFIX + VERSION;
const START = "./";

worker.addEventListener("install", (event) => {
  event.waitUntil(keep());
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const isOwn = asksForStart(request) || FILES.some(({ path }) => at(path) === url.href);
  if (request.method === "GET" && isOwn) event.respondWith(answer(request));
});

/** The page asks whether it would start without a network; what is missing is fetched, if that can be had. */
worker.addEventListener("message", (event) => {
  const [port] = event.ports;
  event.waitUntil(
    repair().then(
      () => port?.postMessage(true),
      () => port?.postMessage(false),
    ),
  );
});

async function keep(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(FILES.map((file) => fetchInto(cache, file)));
}

async function repair(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(
    FILES.map(async (file) => {
      if (!(await isWhole(cache, file))) await fetchInto(cache, file);
    }),
  );
}

async function fetchInto(cache: Cache, { path, integrity }: KeptFile): Promise<void> {
  const response = await fetch(path, { integrity, cache: "no-cache", redirect: "error", credentials: "omit" });
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  await cache.put(path, response);
}

/** Tell whether a file is in the cache, with the content that this version has. */
async function isWhole(cache: Cache, { path, integrity }: KeptFile): Promise<boolean> {
  try {
    const content = await (await cache.match(path))?.arrayBuffer();
    if (!content) return false;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-384", content));
    return integrity === `sha384-${btoa(String.fromCharCode(...digest))}`;
  } catch {
    return false; // the browser has lost a part of it
  }
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)),
  );
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(asksForStart(request) ? START : request, { ignoreSearch: true });
  return kept ?? fetch(request);
}

function asksForStart(request: Request): boolean {
  const url = new URL(request.url);
  const isStart = url.origin + url.pathname === at(START) || url.origin + url.pathname === at("index.html");
  return request.mode === "navigate" && isStart;
}

function at(path: string): string {
  return new URL(path, worker.registration.scope).href;
}

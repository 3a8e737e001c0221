/** The service worker, seen from the page: whether the app works without a network, and whether a newer one waits. */

let registration: ServiceWorkerRegistration | null = null;

/** Let the app be kept for the time without a network. A newer one waits until this one is closed. */
export async function keepForOffline(): Promise<void> {
  try {
    registration = await navigator.serviceWorker.register("service_worker.js");
  } catch {
    // private mode, or no service workers: the device's page says that it does not work without a network
  }
}

export function worksOffline(): boolean {
  return Boolean(registration?.active);
}

export function updateWaits(): boolean {
  return Boolean(registration?.waiting);
}

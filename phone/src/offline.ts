/** What the browser keeps: the app, by its service worker, for the time without a network, and what the app stored. */

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

/** Ask the browser to keep what is stored when space is short; tells whether it will. */
export async function askToKeep(): Promise<boolean> {
  try {
    return await navigator.storage.persist();
  } catch {
    return false;
  }
}

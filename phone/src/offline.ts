/** What the browser keeps: the app, by its service worker, for the time without a network, and what the app stored. */

let registration: ServiceWorkerRegistration | null = null;
/** Whether every file of this version is kept; null until that is known. */
let isWhole: boolean | null = null;

/**
 * Let the app be kept for the time without a network, and check that it is: browsers clear what they keep. A newer
 * version waits until this one is closed. `checked` is called with each answer.
 */
export async function keepForOffline(checked: () => void): Promise<void> {
  const check = async (): Promise<void> => {
    isWhole = await isKeptWhole();
    checked();
  };
  addEventListener("online", () => void check());
  await check();
}

/** Tell whether the app would start without a network now; null where that is not known yet. */
export function worksOffline(): boolean | null {
  return isWhole;
}

async function isKeptWhole(): Promise<boolean> {
  try {
    registration = await navigator.serviceWorker.register("service_worker.js");
    const { active } = await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    return await new Promise((resolve) => {
      port1.onmessage = ({ data }) => {
        resolve(data === true);
      };
      active?.postMessage("check", [port2]);
    });
  } catch {
    return false; // private mode, or no service workers
  }
}

/** Tell whether the app's own server can't be reached now; what it has kept does not count. */
export async function isCutOff(): Promise<boolean> {
  try {
    await fetch("service_worker.js", { method: "HEAD", cache: "no-store" });
    return false;
  } catch {
    return true;
  }
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

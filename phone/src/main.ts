/** Where the page begins. */

import { App } from "./app.js";
import { config, version, workerPath } from "./config.js";
import { Device } from "./device.js";
import { Fault, isOurs, run } from "./faults.js";
import { ReaderError } from "./scan/reader.js";
import { Scanner } from "./scan/scanner.js";
import { element } from "./screen/dom.js";
import { page, type Choice } from "./screen/page.js";
import { StorageError, TABLES } from "./store/database.js";
import { IndexedDb } from "./store/indexed_db.js";
import { Journal } from "./store/journal.js";
import { Store } from "./store/store.js";
import { fetchRoot } from "./trust/enrolment.js";
import { SourceError } from "./trust/errors.js";
import { Web } from "./trust/web.js";
import { LANGUAGES } from "./words/catalogues.js";
import { preferredLanguage } from "./words/language.js";
import type { Words } from "./words/words.js";

const DATABASE = "movepass";
/** A fault page stands, over everything and for good. */
let isStopped = false;
/** Make the phone as new; null where the browser gives no storage. */
let forget: (() => Promise<void>) | null = null;

async function begin(): Promise<void> {
  if (!isSecureContext) throw new InsecureError();
  const scanner = new Scanner(workerPath, element("video", HTMLVideoElement));
  run(scanner.openCamera()); // camera, reader and store start beside each other
  const database = await IndexedDb.open(DATABASE);
  forget = () => database.clear(TABLES);
  const store = new Store(database);
  const [journal, device] = await Promise.all([
    Journal.open(database, seconds, new BroadcastChannel(DATABASE)),
    openDevice(store),
  ]);
  const app = new App({
    device,
    scanner,
    journal,
    isStopped: () => isStopped,
    enroll: async (enrolment) => {
      const sources = enrolment.sources.map((source) => new Web(source));
      await store.enroll(await fetchRoot(sources, enrolment, seconds()), enrolment.sources);
      return Device.open(store, seconds, config.policy);
    },
    forget,
    offlineStart: {
      read: () => store.offlineStart(version),
      note: (at) => store.noteOfflineStart(version, at),
    },
  });
  await app.start();
}

/** Open the device, once it is set up: by the root that is built in, if there is one. */
async function openDevice(store: Store): Promise<Device | null> {
  if (!(await store.isEnrolled())) {
    if (!config.root) return null;
    await store.enroll(new TextEncoder().encode(config.root), config.sources);
  }
  return Device.open(store, seconds, config.policy);
}

/** The phone's clock, in seconds since 1970 UTC. */
function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** The page came over http, where browsers keep WebCrypto, cameras and service workers from it. */
class InsecureError extends Error {}

/** Say what keeps the app from working, in words that say what to do; the phone accepts nothing then. */
function stop(error: unknown): void {
  isStopped = true;
  const e = error instanceof Fault ? error.cause : error;
  const words = LANGUAGES[preferredLanguage()];
  const detail = document.createElement("p");
  detail.lang = "en";
  detail.textContent = e instanceof InsecureError ? "" : String(e);
  const open = {
    text: words.text("phone.fatal.again"),
    click: () => {
      location.reload();
    },
    main: true,
  };
  const setUpAnew = {
    text: words.text("phone.setup.again"),
    click: () => {
      confirmForgetting(e);
    },
  };
  show(words, [words.text(wordsFor(e)), detail], forget ? [open, setUpAnew] : [open]);
}

function confirmForgetting(e: unknown): void {
  const words = LANGUAGES[preferredLanguage()];
  const yes = (): void => {
    forget?.().then(() => {
      location.reload();
    }, stop);
  };
  show(
    words,
    [words.text("phone.setup.again-warning")],
    [
      {
        text: words.text("phone.setup.no"),
        click: () => {
          stop(e);
        },
      },
      { text: words.text("phone.setup.again-yes"), click: yes, main: true, byHand: true },
    ],
  );
}

/** Show a page over everything, which no other one replaces. */
function show(words: Words, body: readonly (Node | string)[], choices: readonly Choice[]): void {
  document.documentElement.lang = words.language;
  document.getElementById("over")?.replaceChildren(page(words.text("phone.name"), body, choices));
  document.getElementById("scan")?.setAttribute("inert", "");
}

function wordsFor(e: unknown): string {
  if (e instanceof InsecureError) return "phone.fatal.insecure";
  if (e instanceof StorageError) return "phone.fatal.storage";
  if (e instanceof ReaderError) return "phone.fatal.reader";
  return e instanceof SourceError ? "phone.sync.damaged" : "phone.fatal.other";
}

addEventListener("unhandledrejection", ({ reason }) => {
  if (isOurs(reason)) stop(reason);
});
addEventListener("error", ({ error, message, filename }) => {
  if (isOurs(error, filename)) stop(error ?? message);
});
begin().catch(stop);

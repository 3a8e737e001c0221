/**
 * Measures what an officer waits for: `node speed.mjs FOLDER WORLD NAME=APP…` prints samples as JSON.
 *
 * FOLDER has the frames and videos, WORLD the authority; each APP is a folder of files, and "floor" the bare reader.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import { Server } from "../browser/harness.js";
import { putCamera, watch, type Frames, type Speed } from "./in_page.js";
import { processes, SlowThreads } from "./threads.js";

const { CHROMIUM = "/usr/bin/chromium", TIMES = "6", SAMPLES = "10", STARTS = "3" } = process.env;
const SCREEN = { width: 360, height: 640 };
const FRAMES: Frames = { count: 6, empty: 4, width: 1280, height: 720 };
/** A code must have left the picture for so long to be shown again; a part of it is drawn, against beats. */
const AWAY_MILLISECONDS = [1300, 700] as const;
const SETTLING_MILLISECONDS = 5000;

const [folder = "", authority = "", ...given] = process.argv.slice(2);
const verdicts = (JSON.parse(readFileSync(`${folder}/world.json`, "utf-8")) as { verdicts: string[] }).verdicts;
const scratch = mkdtempSync(join(tmpdir(), "speed-"));

interface Subject {
  readonly name: string;
  readonly server: Server;
  readonly profile: string;
}

class Run {
  private constructor(
    readonly subject: Subject,
    readonly context: BrowserContext,
    readonly page: Page,
    readonly pid: number,
  ) {}
  private slowed: SlowThreads | null = null;

  static async start(subject: Subject, video?: number): Promise<Run> {
    const camera = [
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      `--use-file-for-fake-video-capture=${folder}/${video ?? 0}.y4m`,
    ];
    const context = await chromium.launchPersistentContext(subject.profile, {
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-dev-shm-usage", ...camera],
      viewport: SCREEN,
    });
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(120_000);
    page.on("pageerror", (error) => {
      console.error(subject.name, error);
    });
    const pid = processes(process.pid).find((id) => {
      const line = commandOf(id);
      return line.includes(subject.profile) && !line.includes("--type=");
    });
    await page.addInitScript(watch);
    return new Run(subject, context, page, Number(pid));
  }

  slow(): void {
    this.slowed ??= new SlowThreads(this.pid, Number(TIMES));
  }

  fast(): void {
    this.slowed?.end();
    this.slowed = null;
  }

  async close(): Promise<void> {
    this.fast();
    await this.context.close();
  }

  async memory(): Promise<Memory> {
    const session = await this.context.newCDPSession(this.page);
    await session.send("HeapProfiler.collectGarbage");
    await session.detach();
    const renderers = processes(this.pid).filter((id) => commandOf(id).includes("--type=renderer"));
    const all = renderers.map((id): Memory => {
      const text = readFileSync(`/proc/${id}/smaps_rollup`, "utf-8");
      const of = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)`, "m").exec(text)?.[1]) / 1024;
      return { own: of("Private_Dirty") + of("Private_Clean"), anonymous: of("Anonymous"), resident: of("Rss") };
    });
    return all.reduce((most, one) => (one.resident > most.resident ? one : most));
  }
}

/** MB of a process: its own, what of that is no file's, and everything in use, shared libraries included. */
interface Memory {
  readonly own: number;
  readonly anonymous: number;
  readonly resident: number;
}

function commandOf(process: string): string {
  return readFileSync(`/proc/${process}/cmdline`, "utf-8");
}

/** Open an app for the first time: it syncs, and is kept for the time without a network. */
async function install(run: Run): Promise<void> {
  await run.page.goto(run.subject.server.url);
  if (run.subject.name === "floor") return;
  await run.page.getByText(/Lists: \d/).waitFor();
  await run.page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  await run.page.waitForFunction(async () => (await caches.keys()).length === 1);
}

function call<T>({ page }: Run, act: (speed: Speed) => T | Promise<T>): Promise<T> {
  return page.evaluate<T>(`(${String(act)})(globalThis.speed)`);
}

/** How long a loop takes at its fastest in the page and in a worker, milliseconds: other work makes it slower. */
async function loops({ page }: Run): Promise<readonly [number, number]> {
  return page.evaluate(async () => {
    const source = `Math.min(...Array.from({ length: 5 }, () => { const began = performance.now(); let x = 0;
      for (let i = 0; i < 2e7; i++) x = (x * 31 + i) | 0; return performance.now() - began + (x & 0) }))`;
    const worker = new Worker(URL.createObjectURL(new Blob([`onmessage = () => postMessage(${source})`])));
    await new Promise((done) => setTimeout(done, 300));
    const there = await new Promise<number>((done) => {
      worker.onmessage = ({ data }: MessageEvent<number>): void => done(data);
      worker.postMessage(0);
    });
    worker.terminate();
    const here = (0, eval)(source) as number;
    return [here, there] as const;
  });
}

/** How many times longer a loop takes in the page and in a worker when they are slowed. */
async function measureLoops(subjects: readonly Subject[]): Promise<readonly number[]> {
  const floor = subjects.find(({ name }) => name === "floor");
  if (!floor) return [];
  const run = await Run.start({ ...floor, profile: join(scratch, "loops") });
  await run.page.goto(floor.server.url);
  const free = await loops(run);
  run.slow();
  const slow = await loops(run);
  await run.close();
  return slow.map((taken, i) => taken / (free[i] ?? 1));
}

const wait = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

/** From a code in view to its verdict, each subject in turn. */
async function inView(subjects: readonly Subject[]): Promise<Record<string, number[]>> {
  const runs: Run[] = [];
  for (const subject of subjects) {
    const run = await Run.start({ ...subject, profile: `${subject.profile}-view` });
    await run.page.addInitScript(putCamera, FRAMES);
    await install(run);
    console.error(subject.name, "is installed");
    runs.push(run);
  }
  const milliseconds: Record<string, number[]> = Object.fromEntries(subjects.map(({ name }) => [name, []]));
  for (let sample = -1; sample < Number(SAMPLES); sample++) {
    const code = Math.abs(sample) % FRAMES.empty;
    for (const run of runs) {
      run.slow();
      await call(run, (speed) => speed.rest(false));
      await call(run, (speed) => speed.clear());
      await wait(AWAY_MILLISECONDS[0] + Math.random() * AWAY_MILLISECONDS[1]);
      await call(run, (speed) => speed.clear());
      const taken = await run.page.evaluate(
        (shown) => (globalThis as unknown as { speed: Speed }).speed.show(shown),
        code,
      );
      const result = await call(run, (speed) => speed.result());
      if (run.subject.name !== "floor" && result !== verdicts[code])
        throw new Error(`${result} in place of ${verdicts[code]}`);
      console.error(run.subject.name, sample, Math.round(taken));
      if (sample >= 0) milliseconds[run.subject.name]?.push(Math.round(taken));
      await call(run, (speed) => speed.rest(true));
      run.fast();
    }
  }
  for (const run of runs) await run.close();
  return milliseconds;
}

interface Start {
  /** Milliseconds from the navigation to the first paint and to the first verdict. */
  readonly paint: number;
  readonly verdict: number;
  /** Memory of the page's process a while later, MB. */
  readonly memory: Memory;
}

/** Starts of the installed app without a network, in a browser that has just started. */
async function starts(subjects: readonly Subject[]): Promise<Record<string, Start[]>> {
  const taken: Record<string, Start[]> = {};
  for (const subject of subjects) {
    const run = await Run.start(subject);
    await install(run);
    await wait(2000);
    await run.close();
    if (subject.name !== "floor") subject.server.kill();
    taken[subject.name] = [];
  }
  for (let start = 0; start < Number(STARTS); start++) {
    for (const subject of subjects) {
      const video = start % FRAMES.empty;
      const run = await Run.start(subject, video);
      run.slow();
      await run.page.goto(subject.server.url);
      const verdict = await call(run, (speed) => speed.first);
      const paint = await run.page.evaluate(
        () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
      );
      await wait(SETTLING_MILLISECONDS);
      taken[subject.name]?.push({ paint: Math.round(paint), verdict: Math.round(verdict), memory: await run.memory() });
      console.error(subject.name, taken[subject.name]?.at(-1));
      await run.close();
    }
  }
  return taken;
}

const subjects: Subject[] = [];
for (const one of given) {
  const [name = "", app = ""] = one.split("=");
  subjects.push({ name, server: await Server.start(app, authority), profile: join(scratch, name) });
}
try {
  const loop = await measureLoops(subjects);
  const view = await inView(subjects);
  console.log(JSON.stringify({ loops: loop, view, starts: await starts(subjects) }));
} finally {
  Server.killAll();
  rmSync(scratch, { recursive: true, force: true });
}

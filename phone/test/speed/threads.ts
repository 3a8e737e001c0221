/**
 * A slow processor: each thread of a browser gets a share of a core, by the kernel (cgroup v1, "cpu").
 *
 * Chromium's own way (Emulation.setCPUThrottlingRate) slows the page's main thread alone: a worker's target refuses it.
 * A phone has other hardware for what the GPU's process does here, and for the camera's pictures: these two are left.
 */

import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

const CONTROLLER = "/sys/fs/cgroup/cpu";
const PERIOD_MICROSECONDS = 6000;
const POLL_MILLISECONDS = 4;
const SPARED = /--type=gpu-process|--utility-sub-type=video_capture/;

export class SlowThreads {
  private readonly groups = new Map<string, string>();
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly spared = new Map<string, boolean>();

  /** Slow every thread that the process and those below it have, and begin, until end is called. */
  constructor(
    private readonly pid: number,
    private readonly times: number,
  ) {
    this.look();
    this.timer = setInterval(() => {
      this.look();
    }, POLL_MILLISECONDS);
  }

  end(): void {
    clearInterval(this.timer);
    for (const [thread, group] of this.groups) {
      try {
        writeFileSync(`${CONTROLLER}/tasks`, thread);
      } catch {
        // it has ended
      }
      remove(group);
    }
    this.groups.clear();
  }

  private look(): void {
    const found = new Set(
      processes(this.pid)
        .filter((id) => !this.isSpared(id))
        .flatMap(threads),
    );
    for (const thread of found) if (!this.groups.has(thread)) this.slow(thread);
    for (const [thread, group] of this.groups) {
      if (!found.has(thread) && remove(group)) this.groups.delete(thread);
    }
  }

  private isSpared(process: string): boolean {
    const known = this.spared.get(process);
    if (known !== undefined) return known;
    const line = read(`/proc/${process}/cmdline`).replaceAll("\0", " ");
    const spared = SPARED.test(line);
    this.spared.set(process, spared);
    return spared;
  }

  private slow(thread: string): void {
    const group = `${CONTROLLER}/phone-speed-${thread}`;
    mkdirSync(group, { recursive: true });
    writeFileSync(`${group}/cpu.cfs_period_us`, String(PERIOD_MICROSECONDS));
    writeFileSync(`${group}/cpu.cfs_quota_us`, String(Math.round(PERIOD_MICROSECONDS / this.times)));
    this.groups.set(thread, group);
    try {
      writeFileSync(`${group}/tasks`, thread);
    } catch {
      // it has ended
    }
  }
}

/** List a process and all below it. */
export function processes(pid: number | string): string[] {
  const children = threads(String(pid)).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean),
  );
  return [String(pid), ...children.flatMap(processes)];
}

function threads(process: string): string[] {
  try {
    return readdirSync(`/proc/${process}/task`);
  } catch {
    return []; // it has ended
  }
}

function remove(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch {
    return false; // a thread is still ending in it
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf-8");
  } catch {
    return "";
  }
}

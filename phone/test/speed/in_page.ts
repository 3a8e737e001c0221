/** What a measurement puts into a page: a camera that knows when it shows a code, and a clock for what it leads to. */

/** Where the frames are, how large, and which of them have no code. */
export interface Frames {
  readonly count: number;
  readonly empty: number;
  readonly width: number;
  readonly height: number;
}

export interface Speed {
  /** Show a frame's code to the camera; gives the milliseconds until what it leads to is on the screen. */
  readonly show: (code: number) => Promise<number>;
  /** Take the code away, and what it has led to. */
  readonly clear: () => void;
  /** Stop looking, or go on. */
  readonly rest: (resting: boolean) => void;
  /** When the first result was on the screen, milliseconds from the navigation on. */
  readonly first: Promise<number>;
  /** What is on the screen. */
  readonly result: () => string;
}

interface Generator extends MediaStreamTrack {
  readonly writable: WritableStream<VideoFrame>;
}
declare const MediaStreamTrackGenerator: new (of: { readonly kind: "video" }) => Generator;

/** Begin to watch for results; the camera is left as it is. */
export function watch(): void {
  const result = (): string =>
    document.querySelector<HTMLElement>(".verdict")?.dataset.verdict ??
    document.querySelector("output")?.textContent ??
    "";
  const painted = async (): Promise<number> => {
    while (!result()) {
      await new Promise<void>((changed) => {
        const observer = new MutationObserver(() => {
          observer.disconnect();
          changed();
        });
        observer.observe(document, { childList: true, subtree: true, characterData: true });
      });
    }
    await new Promise((frame) => requestAnimationFrame(frame));
    const { port1, port2 } = new MessageChannel();
    await new Promise((after) => {
      port1.onmessage = after;
      port2.postMessage(null);
    });
    return performance.now();
  };
  Object.assign(globalThis, { speed: { first: painted(), result, painted } });
}

/** Put a camera into a page that is watched. */
export function putCamera({ count, empty, width, height }: Frames): void {
  const { speed } = globalThis as unknown as { speed: Speed & { readonly painted: () => Promise<number> } };
  let frames: ArrayBuffer[] = [];
  let shown: number | null = null;
  let at = 0;
  let write = (): void => undefined;
  navigator.mediaDevices.getUserMedia = async () => {
    frames = await Promise.all(
      Array.from({ length: count }, async (_, i) => (await fetch(`frames/${i}.i420`)).arrayBuffer()),
    );
    const generator = new MediaStreamTrackGenerator({ kind: "video" });
    const writer = generator.writable.getWriter();
    write = () => {
      const data = frames[shown ?? empty + (at++ % (count - empty))];
      if (!data || (writer.desiredSize ?? 0) <= 0) return;
      const timestamp = performance.now() * 1000;
      const frame = new VideoFrame(data, { format: "I420", codedWidth: width, codedHeight: height, timestamp });
      void writer.write(frame);
    };
    setInterval(() => {
      write();
    }, 100);
    return new MediaStream([generator]);
  };
  const show = async (code: number): Promise<number> => {
    shown = code;
    const began = performance.now();
    write();
    return (await speed.painted()) - began;
  };
  const clear = (): void => {
    shown = null;
    document.querySelector<HTMLElement>(".verdict > footer > button:last-of-type")?.click();
    for (const output of document.querySelectorAll("output")) output.textContent = "";
  };
  const rest = (resting: boolean): void => {
    document.documentElement.toggleAttribute("data-rest", resting);
  };
  Object.assign(speed, { show, clear, rest });
}

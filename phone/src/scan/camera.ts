/** The camera behind a video element, and its light. */

export type CameraProblem = "denied" | "none" | "taken" | "failed";

/** The camera can't be had; the catalogue has words for each problem, under "phone.camera." */
export class CameraError extends Error {
  constructor(
    readonly problem: CameraProblem,
    message: string,
  ) {
    super(message);
  }
}

const PROBLEMS: Readonly<Record<string, CameraProblem>> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "taken",
  AbortError: "taken",
};
const WANTED: MediaTrackConstraints = {
  facingMode: { ideal: "environment" },
  width: { ideal: 1920 },
  height: { ideal: 1080 },
};

/** How far a camera can be zoomed, and how far it is. */
export interface Zoom {
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly now: number;
}

export class Camera {
  /** How many frames have come; where the browser does not tell, each look counts as one. */
  frames = 0;
  private isOpen = true;

  private constructor(
    private readonly stream: MediaStream,
    private readonly video: HTMLVideoElement,
    /** The cameras that there are besides, and this one. */
    private readonly ids: readonly string[],
  ) {
    this.countFrames();
  }

  /**
   * Open a camera by its id, or the one on the phone's back, or any other.
   *
   * @throws CameraError: it can't be had, and why.
   */
  static async open(video: HTMLVideoElement, id: string | null, ended: () => void): Promise<Camera> {
    let stream: MediaStream | null = null;
    try {
      stream = (id === null ? null : await streamOf(id)) ?? (await getStream(WANTED));
      for (const track of stream.getTracks()) track.addEventListener("ended", ended);
      video.srcObject = stream;
      await video.play();
      void stayAwake();
      return new Camera(stream, video, await camerasThere());
    } catch (e) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      throw new CameraError(PROBLEMS[nameOf(e)] ?? "failed", String(e));
    }
  }

  /** Give the picture of now; null where there is none yet. */
  async picture(): Promise<ImageBitmap | null> {
    if (!("requestVideoFrameCallback" in this.video)) this.frames++;
    return this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA ? null : createImageBitmap(this.video);
  }

  /** Whether the phone sends no picture now, as when a call or a switch has taken it. */
  get isMuted(): boolean {
    return this.stream.getVideoTracks().some(({ muted }) => muted);
  }

  get hasLight(): boolean {
    return "torch" in this.capabilities;
  }

  /** How it can be zoomed; null where it can't. */
  get zoom(): Zoom | null {
    const { zoom } = this.capabilities as { zoom?: { min: number; max: number; step?: number } };
    if (!zoom || zoom.min >= zoom.max) return null;
    const settings = this.stream.getVideoTracks()[0]?.getSettings() as { zoom?: number } | undefined;
    return { min: zoom.min, max: zoom.max, step: zoom.step ?? 0.1, now: settings?.zoom ?? zoom.min };
  }

  async setZoom(zoom: number): Promise<void> {
    const [track] = this.stream.getVideoTracks();
    await track?.applyConstraints({ advanced: [{ zoom } as MediaTrackConstraintSet] }).catch(() => undefined);
  }

  /** Return the id of the next camera, in turn; null where there is no other. */
  get other(): string | null {
    const own = this.stream.getVideoTracks()[0]?.getSettings().deviceId ?? "";
    return this.ids.length < 2 ? null : (this.ids[(this.ids.indexOf(own) + 1) % this.ids.length] ?? null);
  }

  private get capabilities(): MediaTrackCapabilities {
    const [track] = this.stream.getVideoTracks();
    return track && "getCapabilities" in track ? track.getCapabilities() : {};
  }

  private countFrames(): void {
    if (!this.isOpen || !("requestVideoFrameCallback" in this.video)) return;
    this.video.requestVideoFrameCallback(() => {
      this.frames++;
      this.countFrames();
    });
  }

  /** Switch the light; tells whether it is on now. */
  async setLight(on: boolean): Promise<boolean> {
    const [track] = this.stream.getVideoTracks();
    try {
      await track?.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] });
      return on;
    } catch {
      return false; // another app has it, or the phone is too hot
    }
  }

  close(): void {
    this.isOpen = false;
    for (const track of this.stream.getTracks()) track.stop();
    this.video.srcObject = null;
  }
}

/** Return an error's name; WebKit's OverconstrainedError is not a DOMException. */
function nameOf(e: unknown): string {
  return typeof e === "object" && e !== null && "name" in e ? String(e.name) : "";
}

async function getStream(video: MediaTrackConstraints): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({ video, audio: false });
}

/** Open the camera that was chosen; null where it is not there any more. */
async function streamOf(id: string): Promise<MediaStream | null> {
  const { width = {}, height = {} } = WANTED;
  return getStream({ deviceId: { exact: id }, width, height }).catch(() => null);
}

async function camerasThere(): Promise<readonly string[]> {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId).map(({ deviceId }) => deviceId);
}

/** Keep the screen from going dark at the post, where the browser can. */
async function stayAwake(): Promise<void> {
  try {
    if ("wakeLock" in navigator) await navigator.wakeLock.request("screen");
  } catch {
    // the battery is low
  }
}

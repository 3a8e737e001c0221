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

export class Camera {
  private constructor(
    private readonly stream: MediaStream,
    private readonly video: HTMLVideoElement,
  ) {}

  /**
   * Open the camera on the phone's back, or any other.
   *
   * @throws CameraError: it can't be had, and why.
   */
  static async open(video: HTMLVideoElement, ended: () => void): Promise<Camera> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: WANTED, audio: false });
      for (const track of stream.getTracks()) track.addEventListener("ended", ended);
      video.srcObject = stream;
      await video.play();
      void stayAwake();
      return new Camera(stream, video);
    } catch (e) {
      throw new CameraError(PROBLEMS[nameOf(e)] ?? "failed", String(e));
    }
  }

  /** Give the picture of now; null where there is none yet. */
  async picture(): Promise<ImageBitmap | null> {
    return this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA ? null : createImageBitmap(this.video);
  }

  get hasLight(): boolean {
    const [track] = this.stream.getVideoTracks();
    return track !== undefined && "getCapabilities" in track && "torch" in track.getCapabilities();
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
    for (const track of this.stream.getTracks()) track.stop();
    this.video.srcObject = null;
  }
}

/** Return an error's name; WebKit's OverconstrainedError is not a DOMException. */
function nameOf(e: unknown): string {
  return typeof e === "object" && e !== null && "name" in e ? String(e.name) : "";
}

/** Keep the screen from going dark at the post, where the browser can. */
async function stayAwake(): Promise<void> {
  try {
    if ("wakeLock" in navigator) await navigator.wakeLock.request("screen");
  } catch {
    // the battery is low
  }
}

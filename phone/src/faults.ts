/** Which errors in the page are the app's own: only these end its work. */

/** Something went wrong in the app's own work; the cause says what. */
export class Fault extends Error {
  constructor(override readonly cause: unknown) {
    super(String(cause));
  }
}

/** Let work go on by itself; what goes wrong in it is a fault of the app. */
export function run(work: Promise<unknown>): void {
  work.catch(report);
}

/** Hand an error to the page's fault handler as the app's own; the work goes on. */
export function report(e: unknown): void {
  reportError(new Fault(e));
}

/**
 * Tell whether an error comes from the app's own script: not from an extension, an injected script, or the browser's
 * own notices. `file` is where the browser says that it happened.
 */
export function isOurs(e: unknown, file = ""): boolean {
  const script = import.meta.url;
  return e instanceof Fault || file === script || (e instanceof Error && (e.stack ?? "").includes(script));
}

/** A scanner leaves no such pause within a line: what was typed before it is no beginning of what comes now. */
const REST_MILLISECONDS = 1000;

/**
 * Hear a hand scanner: it types what it reads, and Enter. Typing is left alone while `hears` says no, and so is the end
 * of a line that began then: judged by itself it would be called damaged.
 */
export function hearHandScanner(hears: () => boolean, typed: (text: string) => void): void {
  const line = new Line();
  window.addEventListener("keydown", (event) => {
    if (!(event instanceof KeyboardEvent)) return; // a form filler's
    const { key } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || (key !== "Enter" && key.length !== 1)) return;
    const isHeard = hears();
    const hasBegun = line.goesOn(event.timeStamp, isHeard);
    if (isHeard && hasBegun && (key === "Enter" || key === " ")) event.preventDefault(); // it would press a button
    const text = line.take(key);
    if (text) typed(text);
  });
}

/** What has been typed of a line. */
class Line {
  private text = "";
  /** Its beginning was not heard. */
  private isTail = false;
  private last = 0;

  /** A key comes, at a time in milliseconds; tells whether it is within a line. */
  goesOn(at: number, isHeard: boolean): boolean {
    if (at - this.last > REST_MILLISECONDS) this.end();
    this.last = at;
    const hasBegun = this.text !== "" || this.isTail;
    if (!isHeard) this.isTail = true;
    return hasBegun;
  }

  /** Take a key; gives the line that it ends, if that was heard whole. */
  take(key: string): string {
    if (key === "Enter") return this.end();
    this.text += key;
    return "";
  }

  private end(): string {
    const text = this.isTail ? "" : this.text;
    this.text = "";
    this.isTail = false;
    return text;
  }
}

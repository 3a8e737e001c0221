/** Hear a hand scanner: it types what it reads, and Enter. Other typing is left alone while `isFree` says no. */
export function hearHandScanner(isFree: () => boolean, typed: (text: string) => void): void {
  let text = "";
  window.addEventListener("keydown", (event) => {
    if (!isFree() || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter" && text) {
      event.preventDefault();
      typed(text);
      text = "";
    } else if (event.key.length === 1) {
      if (event.key === " ") event.preventDefault(); // it would press the button in focus
      text += event.key;
    }
  });
}

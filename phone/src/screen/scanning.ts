/** The camera's picture, and all that an officer's thumb reaches: light, number, picture, this phone. */

import type { CameraProblem, Zoom } from "../scan/camera.js";
import type { Message, Words } from "../words/words.js";
import { button, h } from "./dom.js";

export interface ScanningState {
  readonly title: string;
  readonly hint: Message | null;
  /** Keys and lists: how old, and whether that is a warning. */
  readonly badge: string;
  readonly warning: string;
  readonly test: boolean;
  readonly problem: CameraProblem | null;
  readonly light: boolean | null;
  readonly zoom: Zoom | null;
  readonly hasOtherCamera: boolean;
  readonly canType: boolean;
  readonly otherLanguage: string;
}

export interface ScanningActions {
  readonly language: () => void;
  readonly device: () => void;
  readonly light: () => void;
  readonly zoom: (zoom: number) => void;
  readonly camera: () => void;
  readonly number: () => void;
  readonly picture: (file: File) => void;
  readonly retry: () => void;
}

/** Draw everything around the picture. */
export function scanningScreen(state: ScanningState, words: Words, actions: ScanningActions): HTMLElement[] {
  return [
    h(
      "header",
      {},
      state.canType
        ? button(state.badge, actions.device, { class: state.warning ? "badge old" : "badge" })
        : h("span", { class: "badge" }, state.title),
      button(state.otherLanguage, actions.language, { class: "language" }),
    ),
    h("h1", { class: "unseen", tabindex: "-1" }, state.title),
    state.test ? h("p", { class: "test" }, words.text("test.short")) : h("span"),
    state.warning ? h("p", { class: "warning", role: "status" }, state.warning) : h("span"),
    state.problem
      ? h(
          "div",
          { class: "problem", role: "alert" },
          h("p", {}, words.text(`phone.camera.${state.problem}`)),
          button(words.text("phone.camera.retry"), actions.retry),
        )
      : h("div", { class: "frame", "aria-hidden": "true" }),
    state.hint ? h("p", { class: "hint", role: "status" }, words.say(state.hint)) : h("span"),
    h(
      "footer",
      { class: "tools" },
      state.zoom ? zoomSlider(state.zoom, words, actions.zoom) : null,
      state.hasOtherCamera ? button(words.text("phone.scan.camera"), actions.camera) : null,
      state.light === null
        ? null
        : button(words.text("phone.scan.light"), actions.light, { "aria-pressed": String(state.light) }),
      state.canType ? button(words.text("phone.scan.number"), actions.number) : null,
      pictureButton(words, actions.picture),
    ),
  ];
}

function zoomSlider({ min, max, step, now }: Zoom, words: Words, moved: (zoom: number) => void): HTMLElement {
  const values = { min: String(min), max: String(max), step: String(step), value: String(now) };
  const slider = h("input", {
    type: "range",
    "aria-label": words.text("phone.scan.zoom"),
    ...values,
    input: () => {
      moved(slider.valueAsNumber);
    },
  });
  return slider;
}

function pictureButton(words: Words, chosen: (file: File) => void): HTMLElement {
  const input = h("input", {
    type: "file",
    accept: "image/*",
    change: () => {
      const file = input.files?.[0];
      input.value = "";
      if (file) chosen(file);
    },
  });
  return h("label", { class: "button" }, words.text("phone.scan.picture"), input);
}

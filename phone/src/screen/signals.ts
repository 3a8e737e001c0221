/**
 * Sound and vibration: each outcome has a rhythm of its own. Both need a first tap on the page, and neither is in every
 * browser: an iPhone shakes for no page.
 */

import type { Outcome } from "../verify/verdicts.js";
import { LOOKS } from "../words/catalogues.js";

const VOLUME = 0.4;
let isTapped = false;
let audio: AudioContext | null = null;

/** Let sound be heard from now on; to be called from a tap. */
export function allowSound(): void {
  isTapped = true;
  tryTo(() => {
    audio ??= new AudioContext();
    audio.resume().catch(() => undefined);
  });
}

/** Make an outcome heard and felt, where the phone can; the screen says it in any case. */
export function signal(outcome: Outcome): void {
  const { sound } = LOOKS[outcome];
  tryTo(() => {
    if (isTapped && "vibrate" in navigator) navigator.vibrate(vibration(sound));
  });
  tryTo(() => {
    if (audio?.state === "running") play(audio, sound);
  });
}

/** A phone without a loudspeaker, or whose browser refuses, is silent. */
function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // the verdict on the screen must not wait for it
  }
}

function play(context: AudioContext, sound: readonly (readonly number[])[]): void {
  let at = context.currentTime;
  for (const [hertz = 0, milliseconds = 0] of sound) {
    if (hertz) tone(context, hertz, at, milliseconds / 1000);
    at += milliseconds / 1000;
  }
}

function tone(context: AudioContext, hertz: number, at: number, seconds: number): void {
  const oscillator = new OscillatorNode(context, { type: "square", frequency: hertz });
  oscillator.connect(new GainNode(context, { gain: VOLUME })).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + seconds);
}

/** Times of shaking and of rest, by turns. */
function vibration(sound: readonly (readonly number[])[]): number[] {
  const times: number[] = [];
  let shaking = false;
  for (const [hertz = 0, milliseconds = 0] of sound) {
    if (hertz > 0 === shaking && times.length) times.push((times.pop() ?? 0) + milliseconds);
    else times.push(milliseconds);
    shaking = hertz > 0;
  }
  return times;
}

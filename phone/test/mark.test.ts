import assert from "node:assert/strict";
import { test } from "node:test";
import { markOf } from "../src/scan/mark.js";

const [WIDTH, HEIGHT] = [1280, 720];

void test("a picture with a sensor's noise never has the mark of the one before", () => {
  const one = picture();
  assert.equal(markOf(one), markOf(one.slice()));
  assert.notEqual(markOf(one), markOf(picture()));
});

void test("a picture of one colour has no mark: a lens may be covered", () => {
  assert.equal(markOf(new Uint8ClampedArray(4 * WIDTH * HEIGHT)), null);
  assert.equal(markOf(new Uint8ClampedArray(4 * WIDTH * HEIGHT).fill(77)), null);
});

/** A grey picture whose pixels are one darker or brighter by chance. */
function picture(): Uint8ClampedArray {
  return new Uint8ClampedArray(4 * WIDTH * HEIGHT).map(() => 118 + Math.floor(3 * Math.random()));
}

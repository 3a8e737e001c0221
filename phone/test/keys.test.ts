import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mock, test } from "node:test";
import { importPoint, pointOf, SPKI_ED25519, SPKI_P256 } from "../src/trust/points.js";
import { readKeys, verifies } from "../src/trust/keys.js";
import { DEFAULT_POLICY } from "../src/verify/policy.js";
import { verify } from "../src/verify/verify.js";
import { concat, fromHex, type Bytes } from "../src/wire/bytes.js";
import { ED25519, ESP256 } from "../src/wire/payload.js";

/** What is read of Project Wycheproof's files. */
interface Vectors {
  testGroups: {
    publicKey: { uncompressed?: string; pk?: string };
    tests: { tcId: number; comment: string; msg: string; sig: string; result: "valid" | "invalid" | "acceptable" }[];
  }[];
}

const WORLD = "../build/phone-world";
const world = JSON.parse(readFileSync(`${WORLD}/world.json`, "utf-8")) as { now: number; texts: { test: string } };

const FILES = [
  ["ecdsa_secp256r1_sha256_p1363_test.json", ESP256],
  ["ed25519_test.json", ED25519],
] as const;

for (const [name, alg] of FILES) {
  void test(`every signature of ${name} is taken for what it is`, async () => {
    const vectors = JSON.parse(readFileSync(`../tests/foreign/wycheproof/${name}`, "utf-8")) as Vectors;
    let count = 0;
    for (const { publicKey, tests } of vectors.testGroups) {
      const key = await importPoint(pointOf(spki(publicKey)));
      assert.ok(key);
      for (const { tcId, comment, msg, sig, result } of tests) {
        const passKey = { kid: "", alg, key, notBefore: 0, notAfter: 1, revoked: null };
        const held = await verifies(passKey, bytes(sig), bytes(msg));
        assert.equal(held, result === "valid", `${name} ${tcId}: ${comment}`);
        count += 1;
      }
    }
    assert.ok(count > 100);
  });
}

void test("without Ed25519 in the browser such a pass can't be verified; of a denied key it is rejected", async () => {
  const targets = `${WORLD}/test-authority/repository/targets`;
  const published = readdirSync(targets).find((name) => name.endsWith(".keys.jwks.json")) ?? "";
  const keys = await withoutEd25519(() =>
    readKeys(readFileSync(`${targets}/${published}`), new TextEncoder().encode('{"denied": []}')),
  );
  const lists = { published: world.now, syncedAt: world.now, days: new Map() };
  const known = { keys, lists, now: world.now, policy: DEFAULT_POLICY, lastSeen: null };
  const doubt = await verify(world.texts.test, known);
  assert.deepEqual([doubt.verdict, doubt.why.key], ["unknown-key", "phone.reason.no-ed25519"]);
  const denied = new Map(Array.from(keys.keys.keys(), (kid) => [kid, { at: world.now, reason: "lost" }]));
  assert.equal((await verify(world.texts.test, { ...known, keys: { ...keys, denied } })).verdict, "key-revoked");
});

async function withoutEd25519<T>(run: () => Promise<T>): Promise<T> {
  const importing = mock.method(crypto.subtle, "importKey", () =>
    Promise.reject(new DOMException("no", "NotSupportedError")),
  );
  return run().finally(() => importing.mock.restore());
}

function spki({ uncompressed, pk }: Vectors["testGroups"][number]["publicKey"]): Bytes {
  if (uncompressed !== undefined) return concat(SPKI_P256, bytes(uncompressed.slice(2)));
  return concat(SPKI_ED25519, bytes(pk ?? ""));
}

function bytes(text: string): Bytes {
  return fromHex(text) ?? new Uint8Array();
}

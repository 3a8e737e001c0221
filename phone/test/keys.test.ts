import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { importPoint, pointOf, SPKI_ED25519, SPKI_P256 } from "../src/trust/points.js";
import { verifies } from "../src/trust/keys.js";
import { concat, fromHex, type Bytes } from "../src/wire/bytes.js";
import { ED25519, ESP256 } from "../src/wire/payload.js";

/** What is read of Project Wycheproof's files. */
interface Vectors {
  testGroups: {
    publicKey: { uncompressed?: string; pk?: string };
    tests: { tcId: number; comment: string; msg: string; sig: string; result: "valid" | "invalid" | "acceptable" }[];
  }[];
}

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

function spki({ uncompressed, pk }: Vectors["testGroups"][number]["publicKey"]): Bytes {
  if (uncompressed !== undefined) return concat(SPKI_P256, bytes(uncompressed.slice(2)));
  return concat(SPKI_ED25519, bytes(pk ?? ""));
}

function bytes(text: string): Bytes {
  return fromHex(text) ?? new Uint8Array();
}

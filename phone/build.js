/**
 * Builds the app into static files: `node build.js OUT`, with PHONE_ROOT (a root document), PHONE_SOURCE (where to sync
 * from, several with spaces between, against the page's address), PHONE_HOSTS (other origins it may fetch from),
 * PHONE_MAX_AGE and PHONE_WARNING_AGE (how old lists may be).
 *
 * NOTICES.txt has the licences of all code that is not ours: the build refuses a package that brings none.
 *
 * Each file but the start page, the manifest, the notices and the service worker has its hash in its name; the page
 * names script and style with their hashes, the worker its wasm's, and the service worker every file's.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";

const [out] = process.argv.slice(2);
const { PHONE_ROOT, PHONE_SOURCE, PHONE_HOSTS, PHONE_MAX_AGE, PHONE_WARNING_AGE } = process.env;
if (!out) refuse("usage: node build.js OUT");
if (PHONE_ROOT && !PHONE_SOURCE) refuse("PHONE_ROOT needs PHONE_SOURCE: where to sync from");

const list = (text) => (text ?? "").split(/\s+/).filter(Boolean);
const hosts = list(PHONE_HOSTS).map((host) => new URL(host).origin);
const read = (path) => readFileSync(new URL(path, import.meta.url));
const integrity = (data) => `sha384-${createHash("sha384").update(data).digest("base64")}`;
const files = [];
const packages = new Set();

function refuse(why) {
  console.error(`phone: ${why}`);
  process.exit(2);
}

/** Let the app itself say which policy may be built in. */
async function policyGiven() {
  const module = Buffer.from(await bundle("src/verify/policy.ts", {})).toString("base64");
  const { readPolicy, PolicyError } = await import(`data:text/javascript;base64,${module}`);
  try {
    return readPolicy(PHONE_MAX_AGE, PHONE_WARNING_AGE);
  } catch (e) {
    if (!(e instanceof PolicyError)) throw e;
    return refuse(`PHONE_MAX_AGE and PHONE_WARNING_AGE: ${e.message}`);
  }
}

/** Write a file, and note it for the service worker; gives its name. */
function write(name, data, path = name) {
  writeFileSync(join(out, name), data);
  files.push({ path, integrity: integrity(data) });
  return name;
}

function hashed(name, data) {
  const [stem, ...endings] = name.split(".");
  const hash = createHash("sha256").update(data).digest("hex").slice(0, 12);
  return write([stem, hash, ...endings].join("."), data);
}

async function bundle(entry, define) {
  const result = await build({
    entryPoints: [new URL(entry, import.meta.url).pathname],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: ["chrome100", "safari16.4", "firefox114"],
    charset: "utf8",
    legalComments: "none", // NOTICES.txt has them
    metafile: true,
    define: Object.fromEntries(Object.entries(define).map(([name, value]) => [name, JSON.stringify(value)])),
  });
  for (const input of Object.keys(result.metafile.inputs)) {
    const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
    if (name) packages.add(name);
  }
  return result.outputFiles[0].contents;
}

/** Collect the licences of the packages in the bundles, and of what the reader's wasm was compiled from. */
function notices() {
  const own = Array.from(packages)
    .sort()
    .map((name) => {
      const folder = `node_modules/${name}/`;
      const { version, license } = JSON.parse(read(`${folder}package.json`));
      const file = readdirSync(new URL(folder, import.meta.url)).find((entry) => /^licen[cs]e/i.test(entry));
      if (!file) refuse(`${name} ${version} has no licence file: put its licence into NOTICES.txt, or do without it`);
      return `${name} ${version} (${license})\n\n${read(folder + file)}`;
    });
  const rule = `\n${"=".repeat(79)}\n`;
  const head = "Movepass is under the Apache License 2.0, at the end. It contains code of others:\n";
  return [head, ...own, read("static/zxing_reader.notices.txt"), read("../LICENSE")].join(rule);
}

const policy = await policyGiven();
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const require = createRequire(import.meta.url);
const wasm = hashed("zxing_reader.wasm", readFileSync(require.resolve("zxing-wasm/reader/zxing_reader.wasm")));
const worker = hashed("worker.js", await bundle("src/scan/worker.ts", { WASM_PATH: wasm }));
const config = {
  root: PHONE_ROOT ? readFileSync(PHONE_ROOT, "utf-8") : "",
  sources: list(PHONE_SOURCE),
  hosts,
  policy,
};
const style = Buffer.concat([read("../words/movepass_words/tokens.css"), read("static/app.css")]);
const icons = [192, 512].map((size) => hashed(`icon-${size}.png`, read(`static/icon-${size}.png`)));
const scannerCheck = hashed("scanner-check.png", read("../docs/officer/scanner-check.png"));
const manifest = JSON.parse(read("static/manifest.webmanifest"));
manifest.icons = icons.map((src, i) => ({
  src,
  sizes: ["192x192", "512x512"][i],
  type: "image/png",
  purpose: "any maskable",
}));
const paths = { WORKER_PATH: worker, SCANNER_CHECK_PATH: scannerCheck };
const unversioned = await bundle("src/main.ts", { CONFIG: config, ...paths, VERSION: "" });
write("NOTICES.txt", notices());
const version = createHash("sha256")
  .update(JSON.stringify([config, files]))
  .update(unversioned)
  .digest("hex")
  .slice(0, 8);
const script = await bundle("src/main.ts", { CONFIG: config, ...paths, VERSION: version });
const csp = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self'",
  `connect-src ${["'self'", ...hosts].join(" ")}`,
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const fields = {
  CSP: csp,
  MANIFEST: write("manifest.webmanifest", JSON.stringify(manifest)),
  ICON: icons[0],
  STYLE: hashed("app.css", style),
  STYLE_INTEGRITY: integrity(style),
  SCRIPT: hashed("app.js", script),
  SCRIPT_INTEGRITY: integrity(script),
};
const html = read("static/index.html")
  .toString()
  .replace(/%([A-Z_]+)%/g, (_, name) => fields[name]);
write("index.html", html, "./");
writeFileSync(
  join(out, "service_worker.js"),
  await bundle("src/service_worker.ts", { FILES: files, VERSION: version }),
);

// Usage: node follow.js ROOT.json URL FOLDER TARGET... — prints each target's length and SHA-256, one a line.
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { Updater } = require("tuf-js");

async function main([root, url, folder, ...targets]) {
  fs.copyFileSync(root, path.join(folder, "root.json"));
  const updater = new Updater({
    metadataDir: folder,
    metadataBaseUrl: `${url}/metadata`,
    targetDir: folder,
    targetBaseUrl: `${url}/targets`,
  });
  await updater.refresh();
  for (const name of targets) {
    const info = await updater.getTargetInfo(name);
    const data = fs.readFileSync(await updater.downloadTarget(info));
    console.log(data.length, crypto.createHash("sha256").update(data).digest("hex"));
  }
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});

/** The desk in Chromium, with its virtual authenticator; pages are held to the same as the site's. */

import assert from "node:assert/strict";
import { openTab, prefixOf } from "./chromium.mjs";

export const DESK = process.env.DESK ?? "http://localhost:8081";

/** Open a tab of an officer's own, with a security key that knows its owner. */
export async function openDesk(options = {}) {
  const { page, context } = await openTab({ width: 1280, height: 900, ...options });
  const client = await context.newCDPSession(page);
  await client.send("WebAuthn.enable");
  const { authenticatorId } = await client.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${DESK}/`)) faults.push(`asked ${request.url()}`);
  });
  async function close() {
    await context.close();
    assert.deepEqual(faults, []);
  }
  return { page, context, client, authenticatorId, close };
}

/** Set up a passkey by a link. */
export async function enrol(page, link, language = "en") {
  await page.goto(link.replace("/enrol", `${prefixOf(language)}/enrol`));
  assert.ok(!page.url().includes("#"), "the secret has left the address bar");
  await page.locator("[data-passkey] button").click();
  await page.waitForURL(/\/sign-in\?done=enrolled$/);
}

/** Sign in; no name is typed. */
export async function signIn(page, language = "en") {
  if (!page.url().includes("/sign-in")) await page.goto(`${DESK}${prefixOf(language)}/sign-in`);
  await page.locator("[data-passkey] button").click();
  await page.locator("header .who").waitFor();
}

/** Enrol and sign in, in a tab of an officer's own. */
export async function officerAt(link, options = {}) {
  const { language = "en" } = options;
  const tab = await openDesk(options);
  await enrol(tab.page, link, language);
  await signIn(tab.page, language);
  return tab;
}

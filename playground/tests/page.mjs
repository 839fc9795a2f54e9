// The page in a browser, for the tests.

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const html = join(root, "target/playground/index.html");

const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts the installed browser; CHROMIUM names another. */
export async function launch() {
  if (!existsSync(html)) throw new Error(`${html}: missing; build it with make playground`);
  const executablePath = process.env.CHROMIUM ?? BROWSERS.find(existsSync);
  if (!executablePath) throw new Error(`none of ${BROWSERS.join(", ")} is there; name a Chromium in CHROMIUM`);
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** Serves the page alone, and counts what is asked for. */
export async function serve() {
  const requests = [];
  const page = readFileSync(html);
  const server = createServer((request, response) => {
    requests.push(request.url);
    const isPage = request.url === "/";
    response.writeHead(isPage ? 200 : 404, { "content-type": "text/html; charset=utf-8" });
    response.end(isPage ? page : "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  return { url, requests, close: () => new Promise((resolve) => server.close(resolve)) };
}

/** The address of the page as a file. */
export const fileUrl = pathToFileURL(html).href;

/** Opens the page, and waits for its first verdict. `problems` gets what the browser complains of. */
export async function opened(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  // Patience, not a bound: the machine may be busy.
  page.setDefaultTimeout(120_000);
  const problems = [];
  const requests = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  context.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  await settled(page);
  return Object.assign(page, { problems, requests });
}

/** Waits until the results are those of what is entered. */
export async function settled(page) {
  await page.locator('#results[aria-busy="false"]').waitFor();
}

/** Replaces the text of an editor, as a user does. */
export async function type(page, editor, text) {
  const content = page.locator(`#${editor} .cm-content`);
  await content.click();
  await page.keyboard.press("Control+A");
  if (text === "") await page.keyboard.press("Delete");
  else await page.keyboard.insertText(text);
  await settled(page);
}

/** Enters a state by its link, and waits for its results. */
export async function enter(page, state) {
  await page.evaluate(async (state) => {
    const stream = new Blob([JSON.stringify(state)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    let binary = "";
    for (const byte of bytes) binary += String.fromCharCode(byte);
    const text = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    const fragment = `#v1,${text}`;
    if (location.hash === fragment) return;
    const changed = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
    location.hash = fragment;
    await changed;
  }, state);
  await settled(page);
}

/** The text of an editor. */
export async function textOf(page, editor) {
  return page.evaluate(
    (id) => [...document.querySelectorAll(`#${id} .cm-line`)].map((line) => line.textContent).join("\n"),
    editor,
  );
}

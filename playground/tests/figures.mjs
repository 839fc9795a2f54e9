// Measures the page: the times that a user waits, in milliseconds.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { enter, launch, opened, root, serve, settled } from "./page.mjs";

const REPEATS = 10;

const browser = await launch();
const server = await serve();
const workload = readFileSync(join(root, "examples/quick-start/workload.yaml"), "utf8");
const policy = readFileSync(join(root, "examples/quick-start/policy.yaml"), "utf8").replace("YOUR-TENANT-ID", "contoso.com");

/** From a key to its results in the document. */
async function perKey(page) {
  await page.locator("#manifests .cm-content").click();
  await page.keyboard.press("Control+End");
  const times = [];
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    await page.evaluate(() => {
      const results = document.getElementById("results");
      let start = 0;
      addEventListener("keydown", () => (start = performance.now()), { once: true, capture: true });
      globalThis.waited = new Promise((resolve) => {
        new MutationObserver((_, observer) => {
          if (start === 0 || results.getAttribute("aria-busy") !== "false") return;
          observer.disconnect();
          resolve(performance.now() - start);
        }).observe(results, { attributes: true });
      });
    });
    await page.keyboard.press(repeat % 2 === 0 ? "#" : "Backspace");
    times.push(await page.evaluate(() => globalThis.waited));
    await settled(page);
  }
  return times;
}

function told(what, times) {
  const sorted = [...times].sort((one, other) => one - other);
  console.log(`${what}: median ${sorted[Math.floor(sorted.length / 2)].toFixed(0)}, most ${sorted.at(-1).toFixed(0)}`);
}

const first = [];
for (let repeat = 0; repeat < REPEATS; repeat += 1) {
  const page = await browser.newPage();
  await page.addInitScript(() => {
    addEventListener("DOMContentLoaded", () => {
      const results = document.getElementById("results");
      new MutationObserver(() => {
        if (results.getAttribute("aria-busy") === "false") globalThis.first ??= performance.now();
      }).observe(results, { attributes: true });
    });
  });
  await page.goto(server.url);
  await page.waitForFunction(() => globalThis.first);
  first.push(await page.evaluate(() => globalThis.first));
  await page.close();
}
told("first verdict", first);

const page = await opened(browser, server.url);
told("key, quick start", await perKey(page));
const many = Array.from({ length: 100 }, (_, index) =>
  workload.replaceAll("quick-start", `app-${index}`).replaceAll("workload-identity-sa", `sa-${index}`),
);
await enter(page, { manifests: many.join("---\n"), settings: policy });
console.log(await page.locator("#summary").textContent());
told("key, 200 objects", await perKey(page));
await browser.close();
await server.close();

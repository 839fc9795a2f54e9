// The page that azwi-policy inventory writes, in a browser.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";

import { launch, root } from "./page.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser;
let directory;
let url;

before(async () => {
  browser = await launch();
  directory = mkdtempSync(join(tmpdir(), "inventory-"));
  const inputs = ["shop", "cluster"].map((name) => `test_data/preview/entra/${name}.yaml`);
  const settings = "test_data/preview/entra/settings.yaml";
  const page = execFileSync(
    join(root, "target/debug/azwi-policy"),
    ["inventory", "--settings-path", settings, "--output", "html", ...inputs],
    { cwd: root, stdio: ["ignore", "pipe", "ignore"] },
  );
  const file = join(directory, "inventory.html");
  writeFileSync(file, page);
  url = pathToFileURL(file).href;
});

after(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true });
});

for (const colorScheme of ["light", "dark"]) {
  describe(`the page of an inventory, ${colorScheme}`, () => {
    it("shows a picture and a table that can be searched, without a request", async () => {
      const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 900 }, bypassCSP: false });
      const page = await context.newPage();
      const problems = [];
      const requests = [];
      page.on("pageerror", (error) => problems.push(String(error)));
      page.on("console", (message) => problems.push(message.text()));
      context.on("request", (request) => requests.push(request.url()));
      await page.goto(url);
      const titles = await page.locator("svg g title").allTextContents();
      for (const title of ["Deployment shop/worker", "shop/worker", "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11"]) {
        assert.equal(titles.filter((one) => one === title).length, 1, title);
      }
      const rows = page.locator("tbody tr");
      const all = await rows.count();
      await page.getByLabel("Show rows with").fill("worker exporter");
      assert.equal(await page.locator("tbody tr:visible").count(), 1);
      assert.equal(await page.locator("#shown").textContent(), `1 of ${all}`);
      assert.deepEqual(problems, []);
      assert.deepEqual(requests, [url]);
      await context.close();
    });

    it("has no violation in axe", async () => {
      const context = await browser.newContext({ colorScheme, bypassCSP: true });
      const page = await context.newPage();
      await page.goto(url);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
      assert.deepEqual(found, []);
      await context.close();
    });
  });
}

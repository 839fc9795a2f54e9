// The site in Chromium: every page, every link, and nothing from elsewhere.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { after, before, describe, it } from "node:test";

import { launch, root } from "../../playground/tests/page.mjs";

const site = join(root, "target/site");
const BASE = "/azure-workload-identity-policy/";
const REPOSITORY = "https://github.com/azure-workload-identity-policy/azure-workload-identity-policy";
const axe = readFileSync(createRequire(join(root, "playground/package.json")).resolve("axe-core/axe.min.js"), "utf8");

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** Answers as GitHub Pages does: below the name of the repository, with a page for what is not found. */
function answer(route) {
  const path = decodeURIComponent(new URL(route.request().url()).pathname);
  let file = path.startsWith(BASE) ? join(site, path.slice(BASE.length)) : "";
  if (file && existsSync(file) && statSync(file).isDirectory()) file = join(file, "index.html");
  const found = file !== "" && existsSync(file);
  if (!found) file = join(site, "404.html");
  return route.fulfill({ status: found ? 200 : 404, contentType: TYPES[extname(file)], body: readFileSync(file) });
}

const pages = existsSync(site)
  ? readdirSync(site, { recursive: true })
      .filter((name) => name.endsWith(".html") && !["404.html", "toc.html"].includes(name))
      .sort()
  : [];

const start = `https://site.test${BASE}`;
let browser;

before(async () => {
  if (pages.length === 0) throw new Error(`${site}: missing; build it with make site`);
  browser = await launch();
});

after(async () => {
  await browser?.close();
});

/** Opens a page; `faults` gets what the browser complains of, and requests to other hosts. */
async function open(path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  // Patience, not a bound: the machine may be busy.
  page.setDefaultTimeout(60_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  // Nothing reaches the network.
  await context.route("**/*", (route) => {
    const url = new URL(route.request().url());
    if (url.protocol.startsWith("http") && url.origin !== new URL(start).origin) {
      faults.push(`asks ${url.href}`);
      return route.abort();
    }
    return url.protocol.startsWith("http") ? answer(route) : route.continue();
  });
  await page.goto(new URL(path, start).href, { waitUntil: "networkidle" });
  return Object.assign(page, { faults, end: () => context.close() });
}

/** What a page links to and can be linked to. */
const seen = new Map();

describe("each page", () => {
  for (const path of pages) {
    it(path, async () => {
      const page = await open(path, { viewport: { width: 360, height: 740 } });
      const found = await page.evaluate(() => ({
        ids: [...document.querySelectorAll("[id]")].map((element) => element.id),
        links: [...document.querySelectorAll("a[href]")].map((link) => link.href),
        pictures: [...document.images].filter((image) => image.naturalWidth === 0).map((image) => image.src),
        title: document.title,
        width: document.documentElement.scrollWidth,
      }));
      seen.set(path, found);
      assert.deepEqual(page.faults, []);
      assert.deepEqual(found.pictures, [], "pictures that are not there");
      assert.notEqual(found.title, "");
      assert.ok(found.width <= 360, `${found.width} pixels wide on a screen of 360`);
      await page.end();
    });
  }

  it("links to pages and headings that are there", () => {
    const faults = [];
    let count = 0;
    for (const [path, { links }] of seen) {
      for (const link of links) {
        if (!link.startsWith(start)) continue;
        count++;
        const [address, anchor] = link.slice(start.length).split("#");
        const to = address === "" || address.endsWith("/") ? `${address}index.html` : address;
        if (!existsSync(join(site, to))) faults.push(`${path}: ${link}: no such page`);
        else if (anchor && !seen.get(to).ids.includes(decodeURIComponent(anchor)))
          faults.push(`${path}: ${link}: no such heading`);
      }
    }
    assert.deepEqual(faults, []);
    assert.ok(count > 2000, `only ${count} links were found`);
  });

  it("links to files of the repository that are there", () => {
    const faults = [];
    let count = 0;
    for (const [path, { links }] of seen) {
      for (const link of links) {
        const match = link.startsWith(REPOSITORY) && /^\/(?:blob|tree|edit)\/main\/([^#]*)/.exec(link.slice(REPOSITORY.length));
        if (!match) continue;
        count++;
        if (!existsSync(join(root, match[1]))) faults.push(`${path}: ${link}`);
      }
    }
    assert.deepEqual(faults, []);
    assert.ok(count > pages.length, `only ${count} links were found`);
  });
});

describe("the site", () => {
  it("finds words", async () => {
    const page = await open("");
    await page.keyboard.press("s");
    await page.locator("#mdbook-searchbar").pressSequentially("audience");
    const first = page.locator("#mdbook-searchresults a").first();
    await first.waitFor();
    assert.match(await first.getAttribute("href"), /audience/);
    assert.deepEqual(page.faults, []);
    await page.end();
  });

  it("leads to the playground, which works", async () => {
    const page = await open("docs/settings.html");
    await page.getByRole("link", { name: "Playground", exact: true }).click();
    await page.locator("#json summary").waitFor();
    assert.equal(page.url(), `${start}playground/`);
    assert.deepEqual(page.faults, []);
    await page.end();
  });

  it("has a page for what is not there, at any depth", async () => {
    const page = await open("docs/a/b/none.html");
    assert.match(await page.locator("main h1").textContent(), /no such page/);
    await page.getByRole("link", { name: "the introduction" }).click();
    await page.getByRole("heading", { name: "azure-workload-identity-policy", exact: true, level: 1 }).first().waitFor();
    // The browser itself tells of the status 404.
    assert.deepEqual(
      page.faults.filter((fault) => !fault.includes("404 (Not Found)")),
      [],
    );
    await page.end();
  });

  it("draws the diagrams of a page in the colours of its theme", async () => {
    const drawn = pages.filter((path) => readFileSync(join(site, path), "utf8").includes('<pre class="diagram">'));
    assert.ok(drawn.length > 0);
    for (const path of drawn) {
      const page = await open(path);
      const diagram = page.locator(".diagram svg").first();
      await diagram.waitFor();
      assert.equal(await page.locator("pre.diagram").count(), 0, path);
      const { id, styles } = await diagram.evaluate((svg) => ({ id: svg.id, styles: svg.querySelector("style").textContent }));
      await page.evaluate(() => document.documentElement.classList.replace("light", "navy"));
      await page.waitForFunction((before) => document.querySelector(".diagram svg")?.id !== before, id);
      const dark = await diagram.evaluate((svg) => svg.querySelector("style").textContent.replaceAll(svg.id, ""));
      assert.notEqual(dark, styles.replaceAll(id, ""), path);
      assert.deepEqual(page.faults, []);
      await page.end();
    }
  });

  for (const colorScheme of ["light", "dark"]) {
    for (const path of ["index.html", "docs/settings.html", "docs/operating.html", "docs/how-it-works.html"]) {
      it(`has no violation in axe: ${path}, ${colorScheme}`, async () => {
        const page = await open(path, { colorScheme });
        await page.evaluate(axe);
        // A table in Markdown has a row of headers, even if its first column needs none.
        const rules = { "empty-table-header": { enabled: false } };
        // The button of the menu is mdBook's: a label, with attributes that labels do not have.
        const exclude = ["#mdbook-sidebar-toggle"];
        const { violations } = await page.evaluate(
          (asked) => globalThis.axe.run({ exclude: asked.exclude }, { rules: asked.rules }),
          {
            exclude,
            rules,
          },
        );
        const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
        assert.deepEqual(told, []);
        await page.end();
      });
    }
  }
});

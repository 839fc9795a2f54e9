// Builds the site: the pages of the repository by mdBook, and the playground.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const source = join(root, "target/site-source");
const target = join(root, "target/site");
const REPOSITORY = "https://github.com/azure-workload-identity-policy/azure-workload-identity-policy";

const [mdbook, playground] = process.argv.slice(2);
if (!playground) throw new Error("usage: node build.mjs MDBOOK PLAYGROUND");

/** The pages, relative to the repository, in the order of the menu. */
const summary = readFileSync(join(here, "SUMMARY.md"), "utf8");
const pages = [...summary.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1]);
const pictures = readdirSync(join(root, "docs"))
  .filter((name) => /\.(?:png|svg)$/.test(name))
  .map((name) => `docs/${name}`);
const onSite = new Set([...pages, ...pictures]);

/** What a link of a page leads to: the same page of the site, or the file in the repository. */
function destination(page, link) {
  if (/^[a-z]+:/.test(link) || link.startsWith("#")) return link;
  const [path, anchor] = link.split("#");
  const file = posix.normalize(posix.join(posix.dirname(page), path)).replace(/\/$/, "");
  // The start page of the site.
  if (file === "README.md") return link.replace("README.md", "index.md");
  if (onSite.has(file)) return link;
  if (!existsSync(join(root, file))) throw new Error(`${page}: ${link}: there is no such file`);
  const kind = statSync(join(root, file)).isDirectory() ? "tree" : "blob";
  return `${REPOSITORY}/${kind}/main/${file}${anchor ? `#${anchor}` : ""}`;
}

/** A page as the site needs it: links that lead somewhere there, and diagrams that site.js finds. */
function prepared(page, text) {
  let fence;
  const line = (line) => {
    const [, mark, language] = /^\s*(`{3,}|~{3,})(\w*)/.exec(line) ?? [];
    if (fence) {
      const { diagram } = fence;
      if (mark?.startsWith(fence.mark) && !language) {
        fence = undefined;
        return diagram ? "</pre>" : line;
      }
      return diagram ? line.replace(/&/g, "&amp;").replace(/</g, "&lt;") : line;
    }
    if (mark) {
      fence = { mark, diagram: language === "mermaid" };
      return fence.diagram ? '<pre class="diagram">' : line;
    }
    return line.replace(/\]\(([^)\s]+)\)/g, (_, link) => `](${destination(page, link)})`);
  };
  return text.split("\n").map(line).join("\n");
}

for (const directory of [source, target]) rmSync(directory, { recursive: true, force: true });
for (const page of pages) {
  const copy = join(source, "src", page);
  mkdirSync(dirname(copy), { recursive: true });
  writeFileSync(copy, prepared(page, readFileSync(join(root, page), "utf8")));
}
for (const picture of pictures) cpSync(join(root, picture), join(source, "src", picture));
for (const name of ["SUMMARY.md", "404.md"]) cpSync(join(here, name), join(source, "src", name));
for (const name of ["book.toml", "site.css", "site.js"]) cpSync(join(here, name), join(source, name));

const { status, error } = spawnSync(mdbook, ["build", source], { stdio: "inherit" });
if (error) throw error;
if (status !== 0) process.exit(status ?? 1);

/** Replaces what is there exactly once. */
function replaced(text, before, after, page) {
  const parts = text.split(before);
  if (parts.length !== 2) throw new Error(`${page}: expected ${before} once, found it ${parts.length - 1} times`);
  return parts.join(after);
}

for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
  // toc.html is the menu for browsers without scripts.
  if (!entry.name.endsWith(".html") || entry.name === "toc.html") continue;
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const up = "../".repeat(path.slice(target.length + 1).split("/").length - 1);
  let html = readFileSync(path, "utf8");
  const buttons = '<div class="right-buttons">';
  const link = `<a class="to-playground" href="${up}playground/">Playground</a>`;
  html = replaced(html, buttons, `${buttons}\n                        ${link}`, path);
  // What screen readers need to know of mdBook's bar.
  html = replaced(html, '<div id="mdbook-menu-bar" ', '<div id="mdbook-menu-bar" role="banner" ', path);
  // mdBook names a page by its place below book.toml.
  if (entry.name !== "404.html") html = replaced(html, "/edit/main/src/", "/edit/main/", path);
  writeFileSync(path, html);
}

cpSync(join(here, "node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js"), join(target, "mermaid.tiny.js"));
cpSync(join(here, "node_modules/@mermaid-js/tiny/LICENSE"), join(target, "mermaid.LICENSE.txt"));
mkdirSync(join(target, "playground"));
cpSync(playground, join(target, "playground/index.html"));

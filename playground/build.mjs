// Builds the page: one HTML file with everything in it.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

import { build, transform } from "esbuild";
// Packs closer than zlib, for the same DecompressionStream.
import zopfli from "@gfx/zopfli";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const program = join(root, "target/playground/program");
const target = join(root, "target/playground/index.html");

/** What the page needs at most, in bytes, gzipped. */
const LIMIT = 1_200_000;

const read = (path) => readFileSync(join(root, path), "utf8");

function examples() {
  const file = (path) => ({ path, text: read(path) });
  return JSON.parse(read("playground/src/examples.json")).map((example) => ({
    ...example,
    manifests: example.manifests.map(file),
    settings: example.settings.map(file),
  }));
}

/** Scripts import these by name; src/built.d.ts has their types. */
function builtModules(contents) {
  return {
    name: "built",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^built:program$/ }, () => ({ path: join(program, "azwi_playground.js") }));
      onResolve({ filter: /^built:/ }, ({ path }) => ({ path: path.slice("built:".length), namespace: "built" }));
      onLoad({ filter: /./, namespace: "built" }, ({ path }) => contents[path]);
    },
  };
}

/** The names of the packages that are in the scripts. */
const packages = new Set();

/** What their authors ask to be passed on. */
function licences() {
  const texts = [...packages].sort().map((name) => {
    const directory = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    // Of several licences to choose from, the first that is not Apache's.
    const file = readdirSync(directory)
      .sort()
      .reverse()
      .find((each) => /^licen[cs]e/i.test(each));
    const text = file ? readFileSync(join(directory, file), "utf8").trim() : license;
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return escaped(texts.join(`\n${"-".repeat(72)}\n\n`));
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

async function script(entry, contents) {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(here, "src", entry)],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    // The program is given to initSync, never fetched from beside the script.
    define: { "import.meta.url": '"about:blank"', "process.env.NODE_ENV": '"production"' },
    plugins: [builtModules(contents)],
    write: false,
    metafile: true,
  });
  for (const input of Object.keys(metafile.inputs)) {
    const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
    if (name) packages.add(name);
  }
  const text = outputFiles[0].text;
  if (/<!--|<script/i.test(text)) throw new Error(`${entry}: holds what HTML would read as markup`);
  return text;
}

const deflate = promisify(zopfli.deflate);
const packed = async (path) => Buffer.from(await deflate(readFileSync(path), { numiterations: 5 })).toString("base64");
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const worker = await script("worker/worker.ts", {});
const main = await script("main.ts", {
  worker: { contents: worker, loader: "text" },
  examples: { contents: JSON.stringify(examples()), loader: "json" },
  schema: { contents: read("docs/settings.schema.json"), loader: "json" },
});
const style = (await transform(read("playground/src/style.css"), { loader: "css", minify: true })).code;

const policy = [
  "default-src 'none'",
  "connect-src 'none'",
  "worker-src blob:",
  `script-src ${hash(main)} 'wasm-unsafe-eval'`,
  // CodeMirror makes its style sheet as it runs, with its marks as images in it.
  "style-src 'unsafe-inline'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const parts = {
  "content-security-policy": policy,
  style,
  module: await packed(join(root, "annotated-policy.wasm")),
  program: await packed(join(program, "azwi_playground_bg.wasm")),
  script: main,
  licences: licences(),
};
const page = read("playground/src/index.html").replace(/\{\{([\w-]+)\}\}/g, (_, name) => parts[name]);
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, page);

const gzipped = gzipSync(page, { level: 9 }).length;
console.log(`${target.slice(root.length + 1)}: ${page.length} bytes, ${gzipped} gzipped`);
if (gzipped > LIMIT) {
  console.error(`error: ${target}: expected at most ${LIMIT} bytes gzipped, found ${gzipped}`);
  process.exitCode = 1;
}

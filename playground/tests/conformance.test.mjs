// The program in the page answers as azwi-policy does, for each file with manifests that the repository has.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { enter, fileUrl, launch, opened, root } from "./page.mjs";

const PROGRAM = join(root, "target/debug/azwi-policy");
const SETTINGS = "azureTenantID: aaaabbbb-0000-cccc-1111-dddd2222eeee\n";

let browser;
let page;
let directory;

before(async () => {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM}: missing; build it with make program`);
  browser = await launch();
  page = await opened(browser, fileUrl);
  await page.locator("#json summary").click();
  directory = mkdtempSync(join(tmpdir(), "playground-"));
  copyFileSync(join(root, "annotated-policy.wasm"), join(directory, "annotated-policy.wasm"));
});

after(async () => {
  await browser?.close();
  if (directory) rmSync(directory, { recursive: true });
});

/** The files below a directory of the repository that could be manifests. */
function files(path) {
  return readdirSync(join(root, path), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(?:ya?ml|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .sort();
}

/** The file as text, if it is in UTF-8, with the ends of lines that an editor makes of others. */
function textOf(path) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(join(root, path)));
    return text.replace(/\r\n?/g, "\n");
  } catch {
    return undefined;
  }
}

/** The settings or policies as a user fills them in. */
function filled(path) {
  return textOf(path).replaceAll("YOUR-TENANT-ID", "contoso.com");
}

/** What the program prints. */
function printed(manifests, option, settings) {
  writeFileSync(join(directory, "manifests.yaml"), manifests);
  writeFileSync(join(directory, "settings.yaml"), settings);
  const { stdout, stderr, error } = spawnSync(
    PROGRAM,
    ["preview", "--output", "json", "--explain", option, "settings.yaml", "manifests.yaml"],
    {
      cwd: directory,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  if (error) throw error;
  return { lines: stdout, errors: stderr };
}

async function compare(name, manifests, option, settings) {
  const expected = printed(manifests, option, settings);
  await enter(page, { manifests, settings });
  const lines = await page.locator("#json-lines").textContent();
  const parsed = (text) =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  assert.deepEqual(parsed(lines), parsed(expected.lines), `${name}: ${expected.errors}`);
  const hasErrors = (await page.locator("#errors li.rejected").count()) > 0;
  assert.equal(hasErrors, /^error: /m.test(expected.errors), `${name}: ${expected.errors}`);
}

describe("the program in the page answers as azwi-policy does", () => {
  const manifests = ["test_data/preview", "examples"].flatMap(files).filter((path) => textOf(path) !== undefined);

  it("for each file", async () => {
    assert.ok(manifests.length > 150, String(manifests.length));
    for (const path of manifests) await compare(path, textOf(path), "--settings-path", SETTINGS);
  });

  const policies = ["test_data/preview/policies", "examples"]
    .flatMap(files)
    .filter((path) => /^kind: (?:Cluster)?AdmissionPolicy$/m.test(textOf(path) ?? ""));

  it("with each policy", async () => {
    assert.ok(policies.length >= 8, String(policies.length));
    const workloads = [
      "examples/quick-start/workload.yaml",
      "examples/january-2022/workload.yaml",
      "examples/identities/workloads.yaml",
      "test_data/preview/manifests/deployment.yaml",
    ]
      .map(textOf)
      .join("---\n");
    for (const path of policies) await compare(path, workloads, "--policy", filled(path));
  });

  it("with each file of settings", async () => {
    const settings = [...files("test_data/preview"), ...files("examples")].filter((path) => /settings\.yaml$/.test(path));
    assert.ok(settings.length >= 4, String(settings.length));
    const workloads = textOf("examples/identities/workloads.yaml");
    for (const path of settings) await compare(path, workloads, "--settings-path", filled(path));
  });
});

// The page in a browser, from a web server and as a file.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import * as modules from "./modules.mjs";
import { enter, fileUrl, launch, opened, root, serve, settled, textOf, type } from "./page.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const example = (path) => readFileSync(join(root, "examples", path), "utf8");
const workload = example("quick-start/workload.yaml");
const policy = example("quick-start/policy.yaml");
// As a user fills it in.
const filled = policy.replace("YOUR-TENANT-ID", "contoso.com");
const CLIENT_ID = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
const QUICK_START = "2 objects: 1 mutated, 1 unchanged, 0 rejected; 0 warnings";
const REJECTED = "expected the client ID of an Entra application or managed identity, a UUID, found";

let browser;
let server;

before(async () => {
  browser = await launch();
  server = await serve();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

const summary = (page) => page.locator("#summary").textContent();
const notice = (page) => page.locator("#notices [role=alert] p").textContent();
const card = (page, title) => page.locator("article", { has: page.locator("h3", { hasText: title }) });

/** Drops files onto the page, as from a file manager. */
async function drop(page, ...files) {
  const packed = files.map(({ name, content }) => ({ name, content: Buffer.from(content).toString("base64") }));
  await page.evaluate((files) => {
    const transfer = new DataTransfer();
    for (const { name, content } of files) {
      transfer.items.add(new File([Uint8Array.from(atob(content), (each) => each.charCodeAt(0))], name));
    }
    for (const kind of ["dragover", "drop"]) {
      document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }
  }, packed);
}

/** Opens the page, calls `check`, and sees that the browser has nothing to complain of. */
async function onPage(url, check, options) {
  const page = await opened(browser, url, options);
  try {
    await check(page);
    assert.deepEqual(page.problems, []);
  } finally {
    await page.context().close();
  }
}

for (const [origin, url] of [
  ["a web server", () => server.url],
  ["a file", () => fileUrl],
]) {
  describe(`the page from ${origin}`, () => {
    it("shows the quick start at once", () =>
      onPage(url(), async (page) => {
        assert.equal(await summary(page), QUICK_START);
        assert.equal(await textOf(page, "manifests"), workload);
        assert.equal(await textOf(page, "settings"), policy);
        const deployment = card(page, "Deployment default/quick-start");
        assert.equal(await deployment.locator(".badge").textContent(), "mutated");
        const added = await deployment.locator("ins").allTextContents();
        assert.ok(added.includes(`+       value: ${CLIENT_ID}\n`), added.join(""));
        assert.equal(await deployment.locator("del").count(), 0);
        await deployment.getByText("Why").click();
        assert.match(await deployment.locator(".steps").textContent(), /opt-in: the pod has label/);
        const row = page.locator("#credentials tbody tr").nth(1);
        assert.deepEqual((await row.locator("th, td").allTextContents()).slice(0, 3), [
          "system:serviceaccount:default:workload-identity-sa",
          "https://OIDC-ISSUER.example/",
          "api://AzureADTokenExchange",
        ]);
      }));

    it("shows what is typed, at its line", () =>
      onPage(url(), async (page) => {
        await type(page, "manifests", workload.replace(CLIENT_ID, "my-identity"));
        assert.match(await summary(page), /, 2 rejected|, 1 rejected/);
        const deployment = card(page, "Deployment default/quick-start");
        assert.ok((await deployment.locator(".message p").first().textContent()).includes(REJECTED));
        assert.match(await deployment.locator(".help").first().textContent(), /^help: use the clientId/);
        assert.ok((await page.locator("#manifests .cm-lint-marker-error").count()) >= 1);
        await deployment.locator(".problems .place").first().click();
        assert.match(await page.locator("#manifests .cm-activeLine").textContent(), /client-id: my-identity/);
        await type(page, "manifests", workload);
        assert.equal(await summary(page), QUICK_START);
        assert.equal(await page.locator(".cm-lint-marker-error").count(), 0);
      }));

    it("shows faults of manifests and settings in their editors", () =>
      onPage(url(), async (page) => {
        await type(page, "manifests", "kind: Pod\n metadata: {\n");
        assert.equal(await page.locator("#manifests .cm-lint-marker-error").count(), 1);
        assert.ok((await page.locator("#errors .problem.rejected").count()) >= 1);
        await type(page, "manifests", workload);
        await type(page, "settings", "azureTenantID: aaaabbbb-0000-cccc-1111-dddd2222eeee\nlayout: v9\n");
        assert.match(await page.locator("#errors").textContent(), /expected one of v0\.7, v1\.5, v1\.6\.0, v1\.6\.1, found "v9"/);
        assert.ok((await page.locator("#settings .cm-lint-marker-error").count()) >= 1);
        await type(page, "settings", "azureTenantID: contoso.com\n");
        assert.equal(await page.locator("#errors li.rejected").count(), 0);
      }));

    it("opens the state of a copied link", () =>
      onPage(
        url(),
        async (page) => {
          await type(page, "manifests", workload.replace("quick-start", "grüße"));
          await type(page, "settings", filled);
          await page.locator("#namespace").fill("web");
          await page.locator("#set").fill("layout=v1.6.1");
          await page.locator("#issuer").fill("https://issuer.example/");
          await page.locator("#strict").check();
          await settled(page);
          await page.locator("#copy-link").click();
          await page.locator("#told", { hasText: "Link copied." }).waitFor();
          const link = await page.evaluate(() => navigator.clipboard.readText());
          const expected = await summary(page);
          await page.goto("about:blank");
          await page.goto(link);
          await settled(page);
          assert.equal(await textOf(page, "manifests"), workload.replace("quick-start", "grüße"));
          assert.equal(await textOf(page, "settings"), filled);
          assert.equal(await page.locator("#namespace").inputValue(), "web");
          assert.equal(await page.locator("#set").inputValue(), "layout=v1.6.1");
          assert.equal(await page.locator("#issuer").inputValue(), "https://issuer.example/");
          assert.equal(await page.locator("#strict").isChecked(), true);
          assert.equal(await summary(page), expected);
          assert.match(await page.locator("#credentials").textContent(), /https:\/\/issuer\.example\//);
        },
        { permissions: ["clipboard-read", "clipboard-write"] },
      ));

    it("asks for nothing after it was loaded", () =>
      onPage(url(), async (page) => {
        await type(page, "manifests", `${workload}---\n`);
        await page.locator("#example").selectOption({ label: "Allowed identities" });
        await settled(page);
        assert.deepEqual(
          page.requests.filter((each) => !each.startsWith("blob:") && !each.startsWith("data:")),
          [url()],
        );
      }));
  });
}

describe("the page", () => {
  it("cannot be made to ask for anything", async () => {
    const page = await opened(browser, server.url);
    const asked = server.requests.length;
    const refused = await page.evaluate(async (url) => {
      const tried = [];
      await fetch(`${url}fetched`).catch(() => tried.push("fetch"));
      await new Promise((resolve) => {
        const image = new Image();
        image.addEventListener("error", resolve);
        image.src = `${url}image`;
      });
      const script = document.createElement("script");
      script.src = `${url}script`;
      await new Promise((resolve) => {
        script.addEventListener("error", resolve);
        document.head.append(script);
      });
      const worker = new Worker(
        URL.createObjectURL(new Blob([`fetch("${url}worker").then(() => postMessage("sent"), () => postMessage("refused"))`])),
      );
      tried.push(await new Promise((resolve) => worker.addEventListener("message", ({ data }) => resolve(`worker ${data}`))));
      return tried;
    }, server.url);
    assert.deepEqual(refused, ["fetch", "worker refused"]);
    assert.equal(server.requests.length, asked);
    await page.context().close();
  });

  it("asks the server for itself alone", async () => {
    const asked = server.requests.length;
    await onPage(server.url, async () => {
      assert.deepEqual(server.requests.slice(asked), ["/"]);
    });
  });

  it("shows every example, without a fault but those that it is about", () =>
    onPage(fileUrl, async (page) => {
      const choice = page.locator("#example");
      const names = await choice.locator("option:not([hidden])").allTextContents();
      assert.ok(names.length >= 20, String(names.length));
      for (const name of names) {
        await choice.selectOption({ label: name });
        await settled(page);
        const isAboutSettings = name === "Settings that are wrong";
        assert.equal((await page.locator("#errors li.rejected").count()) > 0, isAboutSettings, name);
        if (!isAboutSettings) assert.ok((await page.locator("article").count()) > 0, name);
        assert.equal(await choice.locator("option:checked").textContent(), name);
      }
    }));

  it("proposes settings, and their values", () =>
    onPage(fileUrl, async (page) => {
      await type(page, "settings", "azureTenantID: contoso.com\nlay");
      const list = page.locator(".cm-tooltip-autocomplete li");
      await page.keyboard.press("Control+Space");
      await list.first().waitFor();
      assert.deepEqual(await list.allTextContents(), ["layout"]);
      await page.keyboard.press("Escape");
      await type(page, "settings", "spec:\n  settings:\n    proxy:\n      ");
      await page.keyboard.press("Control+Space");
      await list.first().waitFor();
      assert.ok((await list.allTextContents()).includes("nativeSidecar"), String(await list.allTextContents()));
      await page.keyboard.press("Escape");
      await type(page, "settings", "optIn: ");
      await page.keyboard.press("Control+Space");
      await list.first().waitFor();
      assert.deepEqual(await list.allTextContents(), ["Either", "PodLabelthe default", "ServiceAccountLabel"]);
    }));

  it("copies the command, with names of files for an example and here-documents otherwise", () =>
    onPage(
      fileUrl,
      async (page) => {
        const copied = async () => {
          await page.locator("#copy-command").click();
          await page.locator("#told", { hasText: "Command copied." }).waitFor();
          return page.evaluate(() => navigator.clipboard.readText());
        };
        assert.equal(
          await copied(),
          "azwi-policy preview --explain --policy examples/quick-start/policy.yaml --set azureTenantID=contoso.com examples/quick-start/workload.yaml\n",
        );
        await enter(page, {
          manifests: "a: 1\nEOF",
          settings: "azureTenantID: contoso.com\n",
          as: "it's me",
          set: ["layout=v0.7"],
          strict: true,
          issuer: "https://i.example/",
        });
        assert.equal(
          await copied(),
          `cat > manifests.yaml <<'EOF2'
a: 1
EOF
EOF2
cat > settings.yaml <<'EOF'
azureTenantID: contoso.com
EOF
azwi-policy preview --explain --settings-path settings.yaml --as 'it'\\''s me' --set layout=v0.7 --strict manifests.yaml
azwi-policy credentials --issuer https://i.example/ --settings-path settings.yaml --as 'it'\\''s me' --set layout=v0.7 --strict manifests.yaml
`,
        );
      },
      { permissions: ["clipboard-read", "clipboard-write"] },
    ));

  it("lets the user copy what the browser does not", () =>
    onPage(fileUrl, async (page) => {
      await page.evaluate(() => {
        navigator.clipboard.writeText = () => Promise.reject(new Error("not allowed"));
      });
      await page.locator("#copy-link").click();
      await page.locator("#copy").waitFor();
      assert.match(await page.locator("#copy-text").inputValue(), /#v1,/);
      await page.keyboard.press("Escape");
      assert.equal(await page.locator("#copy").isVisible(), false);
    }));

  it("is used by keyboard alone", () =>
    onPage(fileUrl, async (page) => {
      const focused = () => page.evaluate(() => document.activeElement?.textContent);
      const inEditor = (id) => page.evaluate((id) => document.getElementById(id).contains(document.activeElement), id);
      await page.keyboard.press("Tab");
      assert.equal(await focused(), "Skip to the manifests");
      await page.keyboard.press("Enter");
      assert.equal(await inEditor("manifests"), true);
      // Tab indents, until Escape.
      await page.keyboard.press("Tab");
      assert.equal(await inEditor("manifests"), true);
      await page.keyboard.press("Control+z");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Tab");
      assert.equal(await inEditor("manifests"), false);
      for (let presses = 0; presses < 5 && !(await inEditor("settings")); presses += 1) await page.keyboard.press("Tab");
      assert.equal(await inEditor("settings"), true);
      await page.keyboard.press("Escape");
      await page.keyboard.press("Shift+Tab");
      assert.equal(await inEditor("settings"), false);
      // An example, and the line of a problem.
      await page.locator("#example").focus();
      const chosen = () => page.locator("#example option:checked").textContent();
      for (let presses = 0; presses < 30 && (await chosen()) !== "Allowed identities"; presses += 1) {
        await page.keyboard.press("ArrowDown");
        await settled(page);
      }
      assert.equal(await chosen(), "Allowed identities");
      const place = page.locator(".problems .place").first();
      for (let presses = 0; presses < 60 && !(await place.evaluate((each) => each === document.activeElement)); presses += 1) {
        if ((await inEditor("manifests")) || (await inEditor("settings"))) await page.keyboard.press("Escape");
        await page.keyboard.press("Tab");
      }
      assert.equal(await place.evaluate((each) => getComputedStyle(each).outlineStyle), "solid");
      await page.keyboard.press("Enter");
      assert.equal(await inEditor("manifests"), true);
    }));

  it("fits from 360 to 2560 pixels", async () => {
    for (const width of [360, 600, 900, 1280, 1800, 2560]) {
      await onPage(
        fileUrl,
        async (page) => {
          const { scroll, client } = await page.evaluate(() => ({
            scroll: document.documentElement.scrollWidth,
            client: document.documentElement.clientWidth,
          }));
          assert.ok(scroll <= client, `${width}: ${scroll}`);
        },
        { viewport: { width, height: 800 } },
      );
    }
  });

  for (const colorScheme of ["light", "dark"]) {
    it(`has no violation in axe, ${colorScheme}`, () =>
      onPage(
        fileUrl,
        async (page) => {
          await page.evaluate(axe);
          const violations = async () => {
            const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
            return violations.map(
              ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`,
            );
          };
          assert.deepEqual(await violations(), []);
          await page.locator("#json summary").click();
          for (const each of await page.locator("article summary", { hasText: "Why" }).all()) await each.click();
          assert.deepEqual(await violations(), []);
          for (const label of ["Allowed identities", "Settings that are wrong", "Only AZURE_CLIENT_ID is missing"]) {
            await page.locator("#example").selectOption({ label });
            await settled(page);
            assert.deepEqual(await violations(), [], label);
          }
          await drop(page, { name: "trap.wasm", content: modules.trap });
          await page.locator("#compared").waitFor();
          await settled(page);
          await drop(page, { name: "photo.jpeg", content: Buffer.from([0xff, 0xd8, 0xff]) });
          await page.locator("#notices [role=alert]").waitFor();
          assert.deepEqual(await violations(), []);
          await page.evaluate(() => {
            navigator.clipboard.writeText = () => Promise.reject(new Error("not allowed"));
          });
          await page.locator("#copy-command").click();
          await page.locator("#copy").waitFor();
          assert.deepEqual(await violations(), []);
        },
        { colorScheme },
      ));
  }
});

describe("another module", () => {
  const own = readFileSync(join(root, "annotated-policy.wasm"));

  it("that is the same shows the same", () =>
    onPage(server.url, async (page) => {
      await drop(page, { name: "next.wasm", content: own });
      await page.locator("#summary", { hasText: "the same with next.wasm" }).waitFor();
      assert.equal(await page.locator(".other").count(), 0);
      await page.getByText("Stop comparing").click();
      assert.equal(await summary(page), QUICK_START);
    }));

  it("that is opened is compared too", () =>
    onPage(fileUrl, async (page) => {
      await page.locator("#files").setInputFiles({ name: "next.wasm", mimeType: "application/wasm", buffer: own });
      await page.locator("#summary", { hasText: "the same with next.wasm" }).waitFor();
    }));

  for (const [name, text] of [
    ["trap", /the module trapped/],
    ["silent", /the module failed without an error/],
    ["empty", /it succeeded without a response/],
  ]) {
    it(`that fails is told: ${name}`, () =>
      onPage(fileUrl, async (page) => {
        await drop(page, { name: `${name}.wasm`, content: modules[name] });
        await page.locator("#compared").waitFor();
        await settled(page);
        assert.match(await page.locator("#results").textContent(), text);
        assert.match(await page.locator("#results").textContent(), new RegExp(`${name}\\.wasm`));
        await page.getByText("Stop comparing").click();
        assert.equal(await summary(page), QUICK_START);
      }));
  }

  for (const [name, content, text] of [
    [
      "bare.wasm",
      modules.bare,
      "bare.wasm: expected a waPC policy module, found one that does not export memory; it is not compared any more",
    ],
    ["text.wasm", Buffer.from("apiVersion: v1\n"), "text.wasm: expected a WebAssembly module, found another kind of file"],
    ["hang.wasm", modules.hang, "hang.wasm: stopped, as it took longer than 5 seconds; it is not compared any more"],
  ]) {
    it(`that is none, or never ends, is refused: ${name}`, () =>
      onPage(fileUrl, async (page) => {
        await drop(page, { name, content });
        await page.locator("#notices [role=alert]").waitFor();
        assert.equal(await notice(page), text);
        await settled(page);
        assert.equal(await summary(page), QUICK_START);
        await type(page, "manifests", "");
        assert.notEqual(await summary(page), QUICK_START);
      }));
  }

  it("that is cut is refused", () =>
    onPage(fileUrl, async (page) => {
      await drop(page, { name: "cut.wasm", content: modules.cut });
      await page.locator("#notices [role=alert]").waitFor();
      assert.match(await notice(page), /^cut\.wasm: expected a waPC policy module: .*; it is not compared any more$/);
    }));
});

describe("odd input", () => {
  it("of 100 MB is refused, and the page goes on", () =>
    onPage(fileUrl, async (page) => {
      await page.evaluate(() => {
        const transfer = new DataTransfer();
        transfer.setData("text/plain", "a: 1\n".repeat(20 * 1024 * 1024));
        document
          .querySelector("#manifests .cm-content")
          .dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
      });
      assert.equal(await notice(page), "expected a text of at most 2.0 MiB, found 100.0 MiB; nothing was changed");
      await type(page, "manifests", workload);
      assert.equal(await summary(page), QUICK_START);
    }));

  for (const [name, content, text] of [
    ["photo.jpeg", Buffer.from([0xff, 0xd8, 0xff, 0xe0]), "photo.jpeg: expected manifests, as text in UTF-8, or a policy module"],
    ["zeros.bin", Buffer.alloc(1000), "zeros.bin: expected manifests or a policy module, found a binary file"],
    ["large.yaml", Buffer.alloc(3 * 1024 * 1024, "a: 1\n"), "large.yaml: expected at most 2.0 MiB, found 3.0 MiB"],
  ]) {
    it(`in a file is refused: ${name}`, () =>
      onPage(fileUrl, async (page) => {
        await drop(page, { name, content });
        await page.locator("#notices [role=alert]").waitFor();
        assert.equal(await notice(page), text);
        assert.equal(await textOf(page, "manifests"), workload);
      }));
  }

  it("is what the editors take as text", () =>
    onPage(fileUrl, async (page) => {
      for (const text of [
        "",
        "\u0000\u0001\u0002\ufffd",
        "[".repeat(20_000),
        "---\n".repeat(2000),
        "a: &a [*a]\n",
        "? ? ? :\n- :",
      ]) {
        await enter(page, { manifests: text, settings: text });
        assert.ok((await summary(page)).length > 0);
      }
      await enter(page, { manifests: workload, settings: filled });
      assert.equal(await summary(page), QUICK_START);
    }));

  it("in dropped files is taken: manifests, and policies", () =>
    onPage(fileUrl, async (page) => {
      const january = example("january-2022/policy.yaml");
      await drop(
        page,
        { name: "one.yaml", content: "a: 1" },
        { name: "policy.yaml", content: january },
        { name: "two.yaml", content: "b: 2\n" },
      );
      await page.locator("#manifests", { hasText: "b: 2" }).waitFor();
      assert.equal(await textOf(page, "manifests"), "a: 1\n---\nb: 2\n");
      assert.equal(await textOf(page, "settings"), january);
    }));

  for (const [what, fragment, text] of [
    ["cut off", "#v1,q1Yqys9JLVayU", /^the link is incomplete or was changed/],
    ["of something else", "#top", /^expected a link that this page made/],
    ["with characters that it never has", "#v1,%%%", /^the link is incomplete or was changed/],
  ]) {
    it(`in a link is told, and the first example shown: ${what}`, () =>
      onPage(`${fileUrl}${fragment}`, async (page) => {
        assert.match(await notice(page), text);
        assert.match(await notice(page), /; this is the first example$/);
        assert.equal(await summary(page), QUICK_START);
      }));
  }

  it("in a link does not grow without limit", () =>
    onPage(fileUrl, async (page) => {
      await enter(page, { manifests: "a".repeat(30 * 1024 * 1024) });
      assert.match(await notice(page), /^the link is incomplete or was changed \(expected at most/);
      await enter(page, { manifests: workload, settings: filled, nonsense: 1 });
      assert.match(await notice(page), /^the link holds "nonsense", which this page does not know/);
      assert.equal(await summary(page), QUICK_START);
    }));

  it("too long for a link is told", () =>
    onPage(fileUrl, async (page) => {
      const noise = Array.from({ length: 60_000 }, (_, index) => ((index * 2654435761) % 4294967296).toString(36)).join("\n# ");
      await enter(page, { manifests: `# ${noise}\n`, settings: filled });
      await page.locator("#copy-link").click();
      await page.locator("#notices [role=alert]").waitFor();
      assert.match(await notice(page), /^expected a link of at most 98 KiB, found/);
    }));
});

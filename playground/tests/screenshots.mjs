// Takes pictures of the page into the directory that is named: light, dark and narrow.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { fileUrl, launch, opened, settled } from "./page.mjs";

const directory = process.argv[2];
if (!directory) throw new Error("expected the directory for the pictures");
mkdirSync(directory, { recursive: true });

const LARGE = { width: 1280, height: 800 };
const PICTURES = [
  { name: "light", example: "Quick start", colorScheme: "light", viewport: LARGE },
  { name: "dark", example: "Only AZURE_CLIENT_ID is missing", colorScheme: "dark", viewport: LARGE },
  { name: "narrow", example: "Allowed identities", colorScheme: "light", viewport: { width: 360, height: 740 }, at: "#results" },
];

const browser = await launch();
for (const { name, example, at, ...options } of PICTURES) {
  const page = await opened(browser, fileUrl, options);
  await page.locator("#example").selectOption({ label: example });
  await settled(page);
  if (at) await page.locator(at).evaluate((element) => element.scrollIntoView());
  await page.screenshot({ path: join(directory, `playground-${name}.png`) });
  if (page.problems.length > 0) throw new Error(page.problems.join("\n"));
  await page.context().close();
}
await browser.close();

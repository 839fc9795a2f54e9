// The worker: one policy module, and the program.

import { initSync, Program } from "built:program";

import { fromBase64, inflate } from "../compression";
import type { Output, Report, Request } from "../protocol";
import { messageOf } from "../text";
import { PolicyEngine } from "./engine";

/** The program and the module of the page are larger than expected only if the page was changed. */
const LIMIT = 64 * 1024 * 1024;

/** How often the page is told that a run goes on, in milliseconds. */
const SIGN_OF_LIFE = 200;

let program: Program | undefined;
let told = 0;

function report(message: Report): void {
  postMessage(message);
}

function goesOn(): void {
  const now = performance.now();
  if (now - told >= SIGN_OF_LIFE) {
    told = now;
    report({ kind: "alive" });
  }
}

async function unpacked(part: string | Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return typeof part === "string" ? inflate(fromBase64(part), LIMIT) : new Uint8Array(part);
}

async function start(request: Request & { kind: "start" }): Promise<void> {
  const [code, module] = await Promise.all([unpacked(request.program), unpacked(request.module)]);
  initSync({ module: code });
  program = new Program(new PolicyEngine(module, goesOn));
}

function run(request: Request & { kind: "run" }): void {
  if (!program) return;
  const output = JSON.parse(program.run(JSON.stringify(request.input))) as Output;
  report({ kind: "output", id: request.id, output });
}

addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.kind === "start") {
    start(data).then(
      () => report({ kind: "ready" }),
      (error: unknown) => report({ kind: "unusable", message: messageOf(error) }),
    );
    return;
  }
  try {
    run(data);
  } catch (error) {
    report({ kind: "failed", id: data.id, message: messageOf(error) });
  }
});

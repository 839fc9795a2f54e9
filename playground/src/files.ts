// Files that are opened or dropped.

import { TEXT_LIMIT } from "./state";
import { bytes } from "./text";

/** A policy module larger than this is none, in bytes. */
const MODULE_LIMIT = 64 * 1024 * 1024;

/** What a file turned out to be. */
export type Opened = { kind: "module"; name: string; bytes: Uint8Array } | { kind: "text"; name: string; text: string };

/** Reads a file. Throws with what is wrong with it. */
export async function open(file: File): Promise<Opened> {
  const start = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  const isModule = start.length === 4 && String.fromCharCode(...start) === "\0asm";
  if (!isModule && /\.wasm$/i.test(file.name))
    throw new Error(`${file.name}: expected a WebAssembly module, found another kind of file`);
  const limit = isModule ? MODULE_LIMIT : TEXT_LIMIT;
  if (file.size > limit) throw new Error(`${file.name}: expected at most ${bytes(limit)}, found ${bytes(file.size)}`);
  const content = new Uint8Array(await file.arrayBuffer());
  if (isModule) return { kind: "module", name: file.name, bytes: content };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    throw new Error(`${file.name}: expected manifests, as text in UTF-8, or a policy module`);
  }
  if (text.includes("\0")) throw new Error(`${file.name}: expected manifests or a policy module, found a binary file`);
  return { kind: "text", name: file.name, text };
}

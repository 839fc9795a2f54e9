// Small modules, byte by byte.

const HEAD = [
  [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  // (type (func (param i32 i32) (result i32)))
  [0x01, 0x07, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f],
  // (func (type 0)) (memory 1)
  [0x03, 0x02, 0x01, 0x00, 0x05, 0x03, 0x01, 0x00, 0x01],
  // (export "memory" (memory 0)) (export "__guest_call" (func 0))
  [0x07, 0x19, 0x02, 0x06, ...Buffer.from("memory"), 0x02, 0x00, 0x0c, ...Buffer.from("__guest_call"), 0x00, 0x00],
].flat();

/** A policy module whose only function has this body. */
function module(body) {
  const code = [0x00, ...body, 0x0b];
  return Buffer.from([...HEAD, 0x0a, code.length + 2, 0x01, code.length, ...code]);
}

/** (unreachable) */
export const trap = module([0x00]);

/** (loop (br 0)) (unreachable) */
export const hang = module([0x03, 0x40, 0x0c, 0x00, 0x0b, 0x00]);

/** (i32.const 0): it fails, and does not say why. */
export const silent = module([0x41, 0x00]);

/** (i32.const 1): it succeeds, and gives no response. */
export const empty = module([0x41, 0x01]);

/** No exports at all. */
export const bare = Buffer.from(HEAD.slice(0, 8));

/** It begins as a module, and does not go on as one. */
export const cut = Buffer.from([...HEAD.slice(0, 8), 0x01, 0x7f]);

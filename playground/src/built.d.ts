// What build.mjs puts in place of these names.

/** The examples of examples.json, with the texts of their files. */
declare module "built:examples" {
  import type { Example } from "./examples";
  const examples: readonly Example[];
  export default examples;
}

/** The JSON schema of the settings. */
declare module "built:schema" {
  import type { Schema } from "./completion";
  const schema: Schema;
  export default schema;
}

/** The worker, as the text of a classic script. */
declare module "built:worker" {
  const text: string;
  export default text;
}

/** The program, as wasm-bindgen makes it. */
declare module "built:program" {
  import type { Engine } from "./worker/engine";
  export function initSync(from: { module: BufferSource }): unknown;
  export class Program {
    constructor(engine: Engine);
    run(input: string): string;
    free(): void;
  }
}

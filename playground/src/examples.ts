// The examples to choose from: files of the repository.

import examples from "built:examples";

import { EMPTY, isSame, type State } from "./state";

/** A file of the repository. */
export interface ExampleFile {
  path: string;
  text: string;
}

/** Manifests and settings that show something. */
export interface Example {
  group: string;
  name: string;
  manifests: ExampleFile[];
  /** Settings, or policy manifests. */
  settings: ExampleFile[];
  strict?: boolean;
  as?: string;
  set?: string[];
}

/** All examples; the first is shown at the start. */
export { examples };

/** What the example enters. */
export function stateOfExample(example: Example): State {
  const { strict, as, set } = example;
  return {
    ...EMPTY,
    manifests: documents(example.manifests),
    settings: documents(example.settings),
    ...(strict && { strict }),
    ...(as && { as }),
    ...(set && { set }),
  };
}

/** The example that enters just this, if one does. */
export function exampleOf(state: State): Example | undefined {
  // The issuer is not that of the example, but the user's.
  return examples.find((each) => isSame({ ...state, issuer: "" }, stateOfExample(each)));
}

function documents(files: readonly ExampleFile[]): string {
  return files.map((file) => file.text).join("---\n");
}

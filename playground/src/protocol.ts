// What page, worker and program tell each other.

/** What the program reviews. */
export interface Input {
  files: { name: string; text: string }[];
  /** Settings, or policy manifests. */
  settings?: string;
  namespace?: string;
  strict?: boolean;
  as?: string;
  asGroup?: string[];
  set?: string[];
  issuer?: string;
}

/** What happens to an object, or to its pod. */
export type Outcome = "mutated" | "unchanged" | "rejected";

/** Something that people should know, with its place. */
export interface Problem {
  kind: "rejected" | "monitor" | "warning" | "hint";
  rule: string;
  policy?: string;
  file: string;
  line: number;
  message: string;
}

/** A line of `azwi-policy preview -o json --explain`, as far as the page reads it: docs/preview.schema.json. */
export interface PreviewLine {
  kind: string;
  namespace: string;
  name: string;
  outcome: Outcome;
  status?: { message?: string };
  problems: Problem[];
  explanation?: string[];
}

/** An object, for the page. */
export interface ReviewedObject {
  title: string;
  file: string;
  line: number;
  outcome: Outcome;
  /** The pod as YAML before and after, if it is changed. */
  before?: string;
  after?: string;
}

/** A federated identity credential of an identity. */
export interface Credential {
  name: string;
  issuer: string;
  subject: string;
  audiences: string[];
  tenantIDs: string[];
  usedBy: string[];
}

/** The document that `azwi-policy credentials -o json` prints, as far as the page reads it. */
export interface Credentials {
  identities: { clientID: string; credentials: Credential[] }[];
  problems: { message: string }[];
  notes: string[];
}

/** What cannot be read. */
export interface InputError {
  source: "manifests" | "settings";
  file?: string;
  line?: number;
  message: string;
}

/** What the program answers. */
export interface Output {
  lines: PreviewLine[];
  objects: ReviewedObject[];
  summary: string;
  credentials?: Credentials;
  notes: string[];
  errors: InputError[];
}

/** To the worker: first `start`, then any number of `run`. */
export type Request = { kind: "start"; program: string; module: string | Uint8Array } | { kind: "run"; id: number; input: Input };

/** From the worker. `alive` is sent now and then during a run. */
export type Report =
  | { kind: "ready" }
  | { kind: "alive" }
  | { kind: "unusable"; message: string }
  | { kind: "output"; id: number; output: Output }
  | { kind: "failed"; id: number; message: string };

// What the user has entered: all of it is in the link.

import { deflate, fromBase64, inflate, toBase64Url } from "./compression";
import type { Input } from "./protocol";
import { bytes, messageOf } from "./text";

/** What the user has entered. Empty texts count as absent. */
export interface State {
  manifests: string;
  settings: string;
  namespace: string;
  as: string;
  asGroup: string[];
  set: string[];
  strict: boolean;
  issuer: string;
}

/** Nothing. */
export const EMPTY: State = {
  manifests: "",
  settings: "",
  namespace: "",
  as: "",
  asGroup: [],
  set: [],
  strict: false,
  issuer: "",
};

/** The largest text in an editor, in characters. */
export const TEXT_LIMIT = 2 * 1024 * 1024;

/** The longest fragment of a link, in characters: much more is cut by what links are sent with. */
const LINK_LIMIT = 100_000;

/** The name of the manifests, in messages. */
export const MANIFESTS = "manifests.yaml";

/** Changes with the meaning of what follows. */
const VERSION = "#v1,";

/** As the program takes it. */
export function inputOf(state: State): Input {
  const input: Input = { files: [{ name: MANIFESTS, text: state.manifests }] };
  if (state.settings.trim()) input.settings = state.settings;
  if (state.namespace) input.namespace = state.namespace;
  if (state.strict) input.strict = true;
  if (state.as) {
    input.as = state.as;
    if (state.asGroup.length > 0) input.asGroup = state.asGroup;
  }
  if (state.set.length > 0) input.set = state.set;
  if (state.issuer) input.issuer = state.issuer;
  return input;
}

/** The fragment of the link that opens `state`. Throws if it would be too long. */
export async function fragmentOf(state: State): Promise<string> {
  // What is as usual is left out.
  const entered = Object.entries(state).filter(([key, value]) => String(value) !== String(EMPTY[key as keyof State]));
  const packed = await deflate(new TextEncoder().encode(JSON.stringify(Object.fromEntries(entered))));
  const fragment = VERSION + toBase64Url(packed);
  if (fragment.length > LINK_LIMIT) {
    throw new Error(
      `expected a link of at most ${bytes(LINK_LIMIT)}, found ${bytes(fragment.length)}: copy the command, or remove objects`,
    );
  }
  return fragment;
}

/** What the fragment of a link says. Throws if it is broken. */
export async function stateOf(fragment: string): Promise<State> {
  if (!fragment.startsWith(VERSION)) throw new Error(`expected a link that this page made, with ${VERSION} in it`);
  let entered: unknown;
  try {
    const text = await inflate(fromBase64(fragment.slice(VERSION.length)), 4 * TEXT_LIMIT);
    entered = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch (error) {
    throw new Error(`the link is incomplete or was changed (${messageOf(error)})`);
  }
  if (typeof entered !== "object" || entered === null) throw new Error("the link holds no manifests");
  const state = { ...EMPTY };
  for (const [key, value] of Object.entries(entered)) {
    if (!isEntry(key, value)) throw new Error(`the link holds "${key.slice(0, 40)}", which this page does not know`);
    Object.assign(state, { [key]: value });
  }
  if (state.manifests.length > TEXT_LIMIT || state.settings.length > TEXT_LIMIT) {
    throw new Error(`expected texts of at most ${bytes(TEXT_LIMIT)} each, found more`);
  }
  return state;
}

function isEntry(key: string, value: unknown): boolean {
  if (!Object.hasOwn(EMPTY, key)) return false;
  const usual = EMPTY[key as keyof State];
  if (Array.isArray(usual)) return Array.isArray(value) && value.every((each) => typeof each === "string");
  return typeof value === typeof usual;
}

/** Whether both say the same. */
export function isSame(one: State, other: State): boolean {
  // A list is compared by its text: no entry of one holds a line's end.
  return (Object.keys(EMPTY) as (keyof State)[]).every((key) => [one[key]].flat().join("\n") === [other[key]].flat().join("\n"));
}

// Completion of settings, from their JSON schema.

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import schema from "built:schema";

/** A JSON schema, as far as completion reads it. */
export interface Schema {
  $ref?: string;
  description?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  examples?: unknown[];
  default?: unknown;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  definitions?: Record<string, Schema>;
}

/** A key with its indentation; items of lists count as further in than their key. */
const KEY = /^(\s*(?:-\s+)*)(["']?)([\w.$-]+)\2\s*:/;

/** Proposes keys and values at the cursor. */
export function completeSettings(context: CompletionContext): CompletionResult | null {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  if (/^\s*#/.test(before)) return null;
  const above = Array.from({ length: line.number - 1 }, (_, index) => context.state.doc.line(index + 1).text);
  const below = Array.from(
    { length: context.state.doc.lines - line.number },
    (_, index) => context.state.doc.line(line.number + index + 1).text,
  );

  const value = /^(\s*(?:-\s+)*)(["']?)([\w.$-]+)\2\s*:\s+(["']?[\w./:-]*)$/.exec(before);
  if (value) {
    const [, indent = "", , key = "", typed = ""] = value;
    const at = schemasAt([...pathAt(above, indent.length), key]);
    return result(context.pos - typed.length, values(at));
  }
  const key = /^(\s*(?:-\s+)*)([\w.$-]*)$/.exec(before);
  if (!key || (!context.explicit && !key[2])) return null;
  const [, indent = "", typed = ""] = key;
  const at = schemasAt(pathAt(above, indent.length));
  const used = siblings(above, below, indent.length);
  return result(context.pos - typed.length, keys(at, used));
}

function result(from: number, options: Completion[]): CompletionResult | null {
  return options.length > 0 ? { from, options, validFor: /^["']?[\w./:-]*$/ } : null;
}

/** The keys around a line that is indented so far, from the outermost in; below spec.settings of a policy. */
function pathAt(above: readonly string[], indent: number): string[] {
  const path: string[] = [];
  let within = indent;
  for (const text of [...above].reverse()) {
    if (/^---/.test(text)) break;
    const [, lead = "", , name = ""] = KEY.exec(text) ?? [];
    if (!name || lead.length >= within) continue;
    path.unshift(name);
    // A list may stand as far out as its key.
    within = lead.includes("-") ? lead.indexOf("-") + 1 : lead.length;
  }
  return path[0] === "spec" && path[1] === "settings" ? path.slice(2) : path;
}

/** The keys that are set beside the line. */
function siblings(above: readonly string[], below: readonly string[], indent: number): Set<string> {
  const names = new Set<string>();
  for (const lines of [[...above].reverse(), below]) {
    for (const text of lines) {
      const [, lead = "", , name = ""] = KEY.exec(text) ?? [];
      if (/^---/.test(text) || (name && lead.length < indent)) break;
      if (name && lead.length === indent) names.add(name);
      // Another item of the list begins here.
      if (lead.includes("-")) break;
    }
  }
  return names;
}

/** What the schema says about the value at `path`. */
function schemasAt(path: readonly string[]): Schema[] {
  let at = alternatives(schema);
  for (const name of path) {
    at = at.flatMap((each) => {
      const found = Object.hasOwn(each.properties ?? {}, name) ? each.properties?.[name] : undefined;
      return found ? alternatives(found) : [];
    });
  }
  return at;
}

/** All that applies to a value, and to its items if it is a list. */
function alternatives(of: Schema): Schema[] {
  const parts = [...(of.allOf ?? []), ...(of.anyOf ?? []), ...(of.oneOf ?? [])];
  if (of.items) parts.push(of.items);
  const target = of.$ref ? schema.definitions?.[of.$ref.replace("#/definitions/", "")] : undefined;
  if (target) parts.push(target);
  return [of, ...parts.flatMap(alternatives)];
}

function keys(at: readonly Schema[], used: ReadonlySet<string>): Completion[] {
  const found = new Map<string, Completion>();
  for (const [label, property] of at.flatMap((each) => Object.entries(each.properties ?? {}))) {
    if (used.has(label) || found.has(label)) continue;
    const info = alternatives(property).find((each) => each.description)?.description;
    found.set(label, { label, type: "property", apply: `${label}: `, ...(info && { info }) });
  }
  return [...found.values()];
}

function values(at: readonly Schema[]): Completion[] {
  const proposed = at.flatMap((each) => {
    const types = [each.type ?? []].flat();
    const truths = types.includes("boolean") ? [true, false] : [];
    const fixed = each.const === undefined ? [] : [each.const];
    const usual = each.default === undefined ? [] : [each.default];
    return [...(each.enum ?? []), ...fixed, ...truths, ...(each.examples ?? []), ...usual];
  });
  const usual = new Set(at.map((each) => JSON.stringify(each.default)));
  const scalars = proposed.filter((each) => each !== null && typeof each !== "object");
  return [...new Set(scalars)].map((each) => ({
    label: String(each),
    type: "enum",
    ...(usual.has(JSON.stringify(each)) && { detail: "the default" }),
  }));
}

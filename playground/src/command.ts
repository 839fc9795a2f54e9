// The command line that shows the same as the page.

import { exampleOf } from "./examples";
import { MANIFESTS, type State } from "./state";

/** Policy manifests and settings differ in their option. Settings never have this kind. */
const POLICY = /^[\s{,-]*["']?kind["']?\s*:\s*["']?(?:Cluster)?AdmissionPolicy(?:Group)?\b/m;

/** A line with more than these characters is quoted. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** Whether these are policy manifests, and not settings. */
export function arePolicies(text: string): boolean {
  return POLICY.test(text);
}

/** The lines for a POSIX shell. `module` is the name of another module. */
export function commandOf(state: State, module?: string): string {
  const lines: string[] = [];
  const shared: string[] = [];
  if (module !== undefined) shared.push("--module", module);
  const option = arePolicies(state.settings) ? "--policy" : "--settings-path";
  let manifests = [MANIFESTS];
  const example = exampleOf(state);
  if (example) {
    // Unchanged, so the repository has the files.
    for (const file of example.settings) shared.push(option, file.path);
    manifests = example.manifests.map((file) => file.path);
  } else {
    lines.push(document(MANIFESTS, state.manifests));
    if (state.settings.trim()) {
      const name = option === "--policy" ? "policy.yaml" : "settings.yaml";
      lines.push(document(name, state.settings));
      shared.push(option, name);
    }
  }
  if (state.namespace) shared.push("--namespace", state.namespace);
  if (state.as) {
    shared.push("--as", state.as);
    for (const group of state.asGroup) shared.push("--as-group", group);
  }
  for (const each of state.set) shared.push("--set", each);
  if (state.strict) shared.push("--strict");
  lines.push(line(["azwi-policy", "preview", "--explain", ...shared, ...manifests]));
  if (state.issuer) lines.push(line(["azwi-policy", "credentials", "--issuer", state.issuer, ...shared, ...manifests]));
  return `${lines.join("\n")}\n`;
}

/** A word of a shell's command line. */
export function quoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function line(words: readonly string[]): string {
  return words.map(quoted).join(" ");
}

/** Writes a file, by a here-document with an end that does not occur in the text. */
function document(name: string, text: string): string {
  const lines = new Set(text.split("\n"));
  let end = "EOF";
  for (let number = 2; lines.has(end); number += 1) end = `EOF${number}`;
  return `cat > ${quoted(name)} <<'${end}'\n${text}${text.endsWith("\n") || text === "" ? "" : "\n"}${end}`;
}

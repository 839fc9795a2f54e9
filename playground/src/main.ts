// The page: what is entered is run at once, and shown.

import { arePolicies, commandOf } from "./command";
import { completeSettings } from "./completion";
import { button, byId, element } from "./dom";
import { Editor, type Remark } from "./editor";
import { type Example, exampleOf, examples, stateOfExample } from "./examples";
import { open } from "./files";
import type { Output } from "./protocol";
import { Results } from "./results";
import { Runner } from "./runner";
import { fragmentOf, inputOf, MANIFESTS, type State, stateOf } from "./state";
import { messageOf } from "./text";

/** How long after a key the link in the address bar is made, in milliseconds. */
const LINK_DELAY = 500;

/** A module with its newest results. */
interface Running {
  name: string;
  runner: Runner;
  output?: Output;
  /** What was entered last when the results were asked for. */
  revision: number;
}

class Page {
  readonly #program = byId("policy-program").textContent ?? "";
  readonly #results: Results;
  readonly #manifests: Editor;
  readonly #settings: Editor;
  readonly #own: Running;
  #other: Running | undefined;
  #revision = 0;
  #linkTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const changed = (): void => this.#changed();
    const common = { describedBy: "leave-hint", onChange: changed, onRefusal: (message: string) => this.#notice(message) };
    this.#manifests = new Editor({ ...common, parent: byId("manifests"), label: "Manifests" });
    this.#settings = new Editor({
      ...common,
      parent: byId("settings"),
      label: "Settings, or policy manifests",
      complete: completeSettings,
    });
    this.#results = new Results((source, line) => (source === "manifests" ? this.#manifests : this.#settings).goTo(line));
    this.#own = this.#start("the policy", byId("policy-module").textContent ?? "", (message) => this.#ownFailed(message));

    const choice = byId<HTMLSelectElement>("example");
    fillChoice(choice);
    choice.addEventListener("change", () => {
      const example = examples[Number(choice.value)];
      if (example) this.#enter({ ...stateOfExample(example), issuer: this.#state.issuer });
    });
    byId("option-form").addEventListener("input", changed);
    byId("option-form").addEventListener("submit", (event) => event.preventDefault());
    byId("issuer").addEventListener("input", changed);
    byId("copy-link").addEventListener("click", () => void this.#copyLink());
    byId("copy-command").addEventListener("click", () => void this.#copy("Command", commandOf(this.#state, this.#other?.name)));
    for (const link of document.querySelectorAll<HTMLElement>("[data-skip]")) {
      link.addEventListener("click", (event) => {
        // The fragment belongs to the state.
        event.preventDefault();
        if (link.dataset["skip"] === "manifests") this.#manifests.goTo(1);
        else byId("results").focus();
      });
    }
    this.#takeFiles();
    // The location may be that of the state before again, which is put there after a delay.
    addEventListener("hashchange", ({ newURL }) => void this.#enterLink(new URL(newURL).hash));
    void this.#enterLink(location.hash);
  }

  get #state(): State {
    const text = (id: string): string => byId<HTMLInputElement>(id).value.trim();
    const list = (id: string, by: RegExp): string[] =>
      text(id)
        .split(by)
        .map((each) => each.trim())
        .filter((each) => each !== "");
    return {
      manifests: this.#manifests.text,
      settings: this.#settings.text,
      namespace: text("namespace"),
      as: text("as"),
      asGroup: list("as-group", /,/),
      set: list("set", /\n/),
      strict: byId<HTMLInputElement>("strict").checked,
      issuer: text("issuer"),
    };
  }

  /** Puts `state` into the fields, and runs it. */
  #enter(state: State): void {
    this.#manifests.text = state.manifests;
    this.#settings.text = state.settings;
    const fields = {
      namespace: state.namespace,
      as: state.as,
      "as-group": state.asGroup.join(", "),
      set: state.set.join("\n"),
      issuer: state.issuer,
    };
    for (const [id, value] of Object.entries(fields)) byId<HTMLInputElement>(id).value = value;
    byId<HTMLInputElement>("strict").checked = state.strict;
    byId("results").scrollTop = 0;
    byId<HTMLDetailsElement>("options").open ||= Boolean(state.namespace || state.as || state.set.length > 0 || state.strict);
    this.#changed();
  }

  async #enterLink(hash: string): Promise<void> {
    clearTimeout(this.#linkTimer);
    byId("results").setAttribute("aria-busy", "true");
    const first = examples[0] as Example;
    if (hash.length <= 1) {
      this.#enter(stateOfExample(first));
      return;
    }
    try {
      this.#enter(await stateOf(hash));
    } catch (error) {
      this.#enter(stateOfExample(first));
      this.#notice(`${messageOf(error)}; this is the first example`);
    }
  }

  #changed(): void {
    this.#revision += 1;
    byId("results").setAttribute("aria-busy", "true");
    const state = this.#state;
    const input = inputOf(state);
    this.#own.runner.run(input);
    this.#other?.runner.run(input);
    const example = exampleOf(state);
    byId<HTMLSelectElement>("example").value = example ? String(examples.indexOf(example)) : "";
    clearTimeout(this.#linkTimer);
    this.#linkTimer = setTimeout(() => void this.#putLink(state), LINK_DELAY);
  }

  #start(name: string, module: string | Uint8Array, onFailure: (message: string) => void): Running {
    const running: Running = {
      name,
      revision: 0,
      runner: new Runner(this.#program, module, {
        onOutput: (output) => {
          running.output = output;
          running.revision = this.#revision;
          this.#show();
        },
        onFailure,
        onUnusable: onFailure,
      }),
    };
    return running;
  }

  /** Shows the results, once they are complete. */
  #show(): void {
    const { output, revision } = this.#own;
    const other = this.#other;
    if (!output || revision !== this.#revision || (other && other.revision !== revision)) return;
    this.#results.show(output, other?.output && { module: other.name, output: other.output });
    this.#manifests.show(remarksOn("manifests", output));
    this.#settings.show(remarksOn("settings", output));
    byId("results").setAttribute("aria-busy", "false");
  }

  #ownFailed(message: string): void {
    byId("results").setAttribute("aria-busy", "false");
    byId("summary").textContent = "No verdict.";
    byId("summary").dataset["outcome"] = "rejected";
    this.#notice(`the policy: ${message}; it starts again with the next change`);
  }

  #compare(name: string, module: Uint8Array): void {
    this.#stopComparing();
    const other = this.#start(name, module, (message) => {
      if (this.#other !== other) return;
      this.#notice(`${name}: ${message}; it is not compared any more`);
      this.#stopComparing();
    });
    this.#other = other;
    const place = byId("compared");
    place.replaceChildren(
      element("p", {}, "Compared with ", element("strong", {}, name)),
      button("Stop comparing", () => {
        this.#stopComparing();
        byId("open").focus();
      }),
    );
    place.hidden = false;
    this.#changed();
  }

  #stopComparing(): void {
    if (!this.#other) return;
    this.#other.runner.stop();
    this.#other = undefined;
    byId("compared").hidden = true;
    this.#show();
  }

  #takeFiles(): void {
    const input = byId<HTMLInputElement>("files");
    byId("open").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      void this.#open([...(input.files ?? [])]);
      input.value = "";
    });
    const holdsFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      byId("drop").hidden = false;
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) byId("drop").hidden = true;
    });
    addEventListener("drop", (event) => {
      byId("drop").hidden = true;
      if (!holdsFiles(event)) return;
      event.preventDefault();
      void this.#open([...(event.dataTransfer?.files ?? [])]);
    });
  }

  async #open(files: readonly File[]): Promise<void> {
    const texts: string[] = [];
    for (const file of files) {
      try {
        const opened = await open(file);
        if (opened.kind === "module") this.#compare(opened.name, opened.bytes);
        else texts.push(opened.text);
      } catch (error) {
        this.#notice(messageOf(error));
      }
    }
    const joined = (some: string[]): string => some.map((text) => (text.endsWith("\n") ? text : `${text}\n`)).join("---\n");
    const policies = texts.filter(arePolicies);
    const manifests = texts.filter((text) => !arePolicies(text));
    if (texts.length === 0) return;
    this.#enter({
      ...this.#state,
      ...(policies.length > 0 && { settings: joined(policies) }),
      ...(manifests.length > 0 && { manifests: joined(manifests) }),
    });
  }

  async #putLink(state: State): Promise<void> {
    let fragment = "";
    try {
      fragment = await fragmentOf(state);
    } catch {
      // Told if the link is asked for.
    }
    window.history.replaceState(null, "", fragment || location.href.replace(/#.*/, ""));
  }

  async #copyLink(): Promise<void> {
    try {
      const fragment = await fragmentOf(this.#state);
      await this.#copy("Link", location.href.replace(/#.*/, "") + fragment);
    } catch (error) {
      this.#notice(messageOf(error));
    }
  }

  async #copy(what: string, text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      byId("told").textContent = `${what} copied.`;
      setTimeout(() => {
        byId("told").textContent = "";
      }, 3000);
    } catch {
      // The browser does not allow it here: the user copies it.
      byId<HTMLTextAreaElement>("copy-text").value = text;
      byId<HTMLDialogElement>("copy").showModal();
      byId<HTMLTextAreaElement>("copy-text").select();
    }
  }

  #notice(message: string): void {
    const notice = element("div", { class: "notice", role: "alert" }, element("p", {}, message));
    notice.append(button("Dismiss", () => notice.remove()));
    // The newest alone: others are about what is past.
    byId("notices").replaceChildren(notice);
  }
}

/** What is shown at the lines of an editor. */
function remarksOn(source: "manifests" | "settings", output: Output): Remark[] {
  const errors = output.errors
    .filter((error) => error.source === source)
    .map(({ line = 1, message }): Remark => ({ line, severity: "error", message }));
  if (source === "settings") return errors;
  const problems = output.lines
    .flatMap((line) => line.problems)
    .filter((problem) => problem.file === MANIFESTS)
    .map(({ line, kind, message }): Remark => ({ line, severity: SEVERITIES[kind], message }));
  const all = new Map([...errors, ...problems].map((remark) => [`${remark.line} ${remark.message}`, remark]));
  return [...all.values()];
}

const SEVERITIES = { rejected: "error", monitor: "warning", warning: "warning", hint: "info" } as const;

function fillChoice(choice: HTMLSelectElement): void {
  choice.append(element("option", { value: "", disabled: true, hidden: true }, "Your own"));
  for (const group of new Set(examples.map((example) => example.group))) {
    const options = examples.flatMap((example, index) =>
      example.group === group ? [element("option", { value: String(index) }, example.name)] : [],
    );
    choice.append(element("optgroup", { label: group }, ...options));
  }
}

try {
  new Page();
} catch (error) {
  byId("summary").textContent = `This page cannot be started in this browser: ${messageOf(error)}`;
}

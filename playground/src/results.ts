// What the policy does, shown.

import { difference } from "./difference";
import { button, byId, element } from "./dom";
import type { Credentials, InputError, Output, PreviewLine, Problem, ReviewedObject } from "./protocol";
import { MANIFESTS } from "./state";
import { partsOf } from "./text";

/** Up to so many changed pods are shown at once. */
const SHOWN = 10;

/** Which editor a place is in. */
export type Source = InputError["source"];

/** An object as one module sees it. */
interface Seen {
  object: ReviewedObject;
  line: PreviewLine;
}

/** All that one card shows. */
interface Card extends Seen {
  /** The same object with the other module, if that differs. */
  other?: Seen & { module: string };
  isOpen: boolean;
}

/** Another module's results. */
export interface Compared {
  module: string;
  output: Output;
}

/** The right side of the page. */
export class Results {
  readonly #goTo: (source: Source, line: number) => void;
  /** The cards that are shown, by what they show: those that stay are not touched. */
  #cards = new Map<string, HTMLElement>();
  /** What the user has opened or closed. */
  readonly #opened = new Map<string, boolean>();
  #lines: readonly PreviewLine[] = [];

  constructor(goTo: (source: Source, line: number) => void) {
    this.#goTo = goTo;
    byId("json").addEventListener("toggle", () => this.#showJson());
  }

  /** Shows the results, and where another module's differ. */
  show(output: Output, compared?: Compared): void {
    this.#showErrors(output, compared);
    this.#showObjects(output, compared);
    this.#showCredentials(output.credentials, compared?.output.credentials, compared?.module);
    this.#lines = output.lines;
    this.#showJson();
    const summary = byId("summary");
    const text = summaryOf(output, compared);
    // Said once, not at each key.
    if (summary.textContent !== text) summary.textContent = text;
    summary.dataset["outcome"] = worst(output);
  }

  #showErrors(output: Output, compared: Compared | undefined): void {
    const item = (error: InputError, kind: string): HTMLElement => {
      const { message, source, line } = error;
      const place = line === undefined ? undefined : { source, line };
      return element(
        "li",
        { class: "problem rejected" },
        element("span", { class: "kind" }, kind),
        this.#message(message, place),
      );
    };
    const errors = output.errors.map((error) => item(error, "error"));
    const known = new Set(output.errors.map((error) => JSON.stringify(error)));
    const others = (compared?.output.errors ?? []).filter((error) => !known.has(JSON.stringify(error)));
    const notes = output.notes.map((note) =>
      element("li", { class: "problem hint" }, element("span", { class: "kind" }, "note"), this.#message(note)),
    );
    const items = [...errors, ...others.map((error) => item(error, `error with ${compared?.module ?? ""}`)), ...notes];
    byId("errors").replaceChildren(...(items.length > 0 ? [element("ul", { class: "problems" }, ...items)] : []));
  }

  #showObjects(output: Output, compared: Compared | undefined): void {
    const changed = output.objects.filter((each) => each.after !== undefined).length;
    const cards = new Map<string, HTMLElement>();
    output.objects.forEach((object, index) => {
      const line = output.lines[index];
      if (!line) return;
      const card: Card = { object, line, isOpen: changed <= SHOWN };
      const other = compared && seenAt(compared.output, index);
      if (compared && other && !isSame(card, other)) card.other = { ...other, module: compared.module };
      const key = `${index} ${JSON.stringify(card)}`;
      cards.set(key, this.#cards.get(key) ?? this.#card(card, `${index} ${object.title}`));
    });
    const list = byId("objects");
    // In place, so that neither focus nor position is lost.
    const wanted = [...cards.values()];
    for (const shown of [...list.children]) if (!wanted.includes(shown as HTMLElement)) shown.remove();
    wanted.forEach((card, index) => {
      if (list.children[index] !== card) list.insertBefore(card, list.children[index] ?? null);
    });
    this.#cards = cards;
  }

  #card(card: Card, name: string): HTMLElement {
    const { object, line, other } = card;
    const article = element(
      "article",
      { class: `card ${object.outcome}` },
      element(
        "div",
        { class: "card-head" },
        element("h3", {}, object.title),
        badge(object.outcome),
        this.#place("manifests", object.line),
      ),
      this.#problems(line),
    );
    const { before, after } = object;
    if (before !== undefined && after !== undefined) {
      article.append(this.#details("The pod, before and after", `${name} pod`, card.isOpen, () => difference(before, after)));
    }
    const steps = line.explanation ?? [];
    if (steps.length > 0) {
      article.append(
        this.#details("Why", `${name} why`, false, () =>
          element("ol", { class: "steps" }, ...steps.map((step) => element("li", {}, step))),
        ),
      );
    }
    if (other) article.append(this.#other(object, other, name));
    return article;
  }

  #other(object: ReviewedObject, other: Seen & { module: string }, name: string): HTMLElement {
    const block = element(
      "div",
      { class: "other" },
      element("p", { class: "card-head" }, element("strong", {}, `Different with ${other.module}`), badge(other.object.outcome)),
      this.#problems(other.line),
    );
    const pod = object.after ?? object.before;
    const others = other.object.after ?? other.object.before;
    if (pod !== undefined && others !== undefined && pod !== others) {
      block.append(this.#details(`The pod, and with ${other.module}`, `${name} other`, true, () => difference(pod, others)));
    } else if (pod === undefined && others !== undefined) {
      const { before = "" } = other.object;
      block.append(
        this.#details(`The pod, before and after, with ${other.module}`, `${name} other`, true, () => difference(before, others)),
      );
    }
    return block;
  }

  #problems(line: PreviewLine): HTMLElement | undefined {
    const { problems, status } = line;
    const items = problems.map((problem) => this.#problem(problem));
    if (!problems.some((problem) => problem.kind === "rejected") && status?.message) {
      items.unshift(
        element(
          "li",
          { class: "problem rejected" },
          element("span", { class: "kind" }, "rejected"),
          this.#message(status.message),
        ),
      );
    }
    return items.length > 0 ? element("ul", { class: "problems" }, ...items) : undefined;
  }

  #problem(problem: Problem): HTMLElement {
    const kind = problem.kind === "hint" ? `hint: ${problem.rule}` : problem.kind;
    const by = problem.policy === undefined ? kind : `${kind}, ${problem.policy}`;
    const place = problem.file === MANIFESTS ? { source: "manifests" as const, line: problem.line } : undefined;
    return element(
      "li",
      { class: `problem ${problem.kind}` },
      element("span", { class: "kind" }, by),
      this.#message(problem.message, place),
    );
  }

  #message(message: string, place?: { source: Source; line: number }): HTMLElement {
    const { what, help } = partsOf(message);
    return element(
      "div",
      { class: "message" },
      element("p", {}, what, " ", place && this.#place(place.source, place.line)),
      help === undefined
        ? undefined
        : element("p", { class: "help" }, element("span", { class: "help-mark" }, "help:"), ` ${help}`),
    );
  }

  #place(source: Source, line: number): HTMLElement {
    const label = source === "manifests" ? "Go to the manifests" : "Go to the settings";
    return button(`line ${line}`, () => this.#goTo(source, line), { class: "place", "aria-label": `${label}, line ${line}` });
  }

  /** The content is made when it is opened. */
  #details(title: string, name: string, isOpen: boolean, content: () => HTMLElement): HTMLElement {
    const details = element("details", { open: this.#opened.get(name) ?? isOpen }, element("summary", {}, title));
    let isFilled = false;
    const fill = (): void => {
      if (isFilled || !details.open) return;
      isFilled = true;
      details.append(content());
    };
    fill();
    details.addEventListener("toggle", () => {
      // Opening by the page itself is no choice of the user's.
      if (details.open !== (this.#opened.get(name) ?? isOpen)) this.#opened.set(name, details.open);
      fill();
    });
    return details;
  }

  #showCredentials(credentials: Credentials | undefined, others: Credentials | undefined, module: string | undefined): void {
    const place = byId("credentials");
    const identities = credentials?.identities ?? [];
    const groups = identities.filter((identity) => identity.credentials.length > 0).map(credentialRows);
    const remarks = [...(credentials?.problems ?? []).map((problem) => problem.message), ...(credentials?.notes ?? [])];
    if (module !== undefined && JSON.stringify(credentials) !== JSON.stringify(others)) {
      remarks.unshift(`these are not the credentials with ${module}`);
    }
    const table = element(
      "div",
      { class: "scroll", role: "region", tabindex: "0", "aria-labelledby": "credentials-heading" },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ...HEADINGS.map((heading) => element("th", { scope: "col" }, heading)))),
        ...groups,
      ),
    );
    const none = element("p", { class: "hint" }, "None: no pod gets an identity from these manifests.");
    const list = remarks.map((remark) =>
      element("li", { class: "problem hint" }, element("span", { class: "kind" }, "note"), this.#message(remark)),
    );
    const shown = element(
      "div",
      {},
      groups.length > 0 ? table : none,
      list.length > 0 ? element("ul", { class: "problems" }, ...list) : undefined,
    );
    // Left alone if nothing changes, as somebody may be reading or scrolling it.
    if (place.firstElementChild?.outerHTML !== shown.outerHTML) place.replaceChildren(shown);
  }

  #showJson(): void {
    if (!byId<HTMLDetailsElement>("json").open) return;
    byId("json-lines").textContent = this.#lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  }
}

const HEADINGS = ["Subject", "Issuer", "Audience", "Name", "Used by"];

/** The rows of one identity. */
function credentialRows({ clientID, credentials }: Credentials["identities"][number]): HTMLElement {
  const tenants = [...new Set(credentials.flatMap((credential) => credential.tenantIDs))];
  const heading = element(
    "th",
    { scope: "rowgroup", colspan: String(HEADINGS.length) },
    "Client ID ",
    element("code", {}, clientID),
  );
  if (tenants.length > 0)
    heading.append(tenants.length === 1 ? " in tenant " : " in tenants ", element("code", {}, tenants.join(", ")));
  const rows = credentials.map(({ subject, issuer, audiences, name, usedBy }) => {
    const cells = [issuer, audiences.join(", "), name].map((text) => element("td", {}, element("code", {}, text)));
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, element("code", {}, subject)),
      ...cells,
      element("td", {}, usedBy.join(", ")),
    );
  });
  return element("tbody", {}, element("tr", {}, heading), ...rows);
}

function badge(outcome: string): HTMLElement {
  return element("span", { class: `badge ${outcome}` }, outcome);
}

function seenAt(output: Output, index: number): Seen | undefined {
  const object = output.objects[index];
  const line = output.lines[index];
  return object && line && { object, line };
}

function isSame(one: Seen, other: Seen): boolean {
  return JSON.stringify([one.object, one.line]) === JSON.stringify([other.object, other.line]);
}

/** What is different with the other module, in few words. */
function comparison(output: Output, { module, output: other }: Compared): string {
  if (JSON.stringify(output.errors) !== JSON.stringify(other.errors)) return `different errors with ${module}`;
  const count = output.objects.filter((_, index) => {
    const [one, two] = [seenAt(output, index), seenAt(other, index)];
    return one && !(two && isSame(one, two));
  }).length;
  return count === 0 ? `the same with ${module}` : `${count} different with ${module}`;
}

function summaryOf(output: Output, compared: Compared | undefined): string {
  const { errors } = output;
  const parts = [output.summary];
  if (errors.length > 0) parts.push(errors.length === 1 ? "1 error" : `${errors.length} errors`);
  if (compared) parts.push(comparison(output, compared));
  return parts.filter((part) => part !== "").join("; ");
}

/** For the colour of the summary. */
function worst(output: Output): string {
  if (output.errors.length > 0 || output.lines.some((line) => line.outcome === "rejected")) return "rejected";
  if (output.lines.some((line) => line.problems.length > 0)) return "warning";
  return "accepted";
}

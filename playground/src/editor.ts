// The editors.

import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  type CompletionSource,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Transaction } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

import { TEXT_LIMIT } from "./state";
import { bytes } from "./text";

/** A remark on a line, counted from 1. */
export interface Remark {
  line: number;
  severity: "error" | "warning" | "info";
  message: string;
}

/** What an editor needs. */
export interface EditorOptions {
  parent: HTMLElement;
  /** Its name, for screen readers. */
  label: string;
  /** The id of the element that tells how to leave it. */
  describedBy: string;
  complete?: CompletionSource;
  /** The text was changed by the user. */
  onChange(): void;
  /** What was entered does not fit. */
  onRefusal(message: string): void;
}

// The colours are those of the page's style sheet, so that they follow the system's choice.
const HIGHLIGHT = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--code-key)" },
  { tag: [tags.string, tags.special(tags.string), tags.content, tags.attributeValue], color: "var(--code-value)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--code-comment)" },
  { tag: [tags.keyword, tags.labelName, tags.typeName, tags.meta], color: "var(--code-mark)" },
]);

/** An editor of YAML. */
export class Editor {
  readonly #view: EditorView;
  #isSetting = false;

  constructor(options: EditorOptions) {
    const refuse = (length: number): void =>
      options.onRefusal(`expected a text of at most ${bytes(TEXT_LIMIT)}, found ${bytes(length)}; nothing was changed`);
    this.#view = new EditorView({
      parent: options.parent,
      state: EditorState.create({
        extensions: [
          lineNumbers(),
          highlightActiveLineGutter(),
          highlightSpecialChars(),
          history(),
          drawSelection(),
          indentOnInput(),
          indentUnit.of("  "),
          bracketMatching(),
          closeBrackets(),
          autocompletion(options.complete ? { override: [options.complete] } : { override: [] }),
          highlightActiveLine(),
          highlightSelectionMatches(),
          lintGutter(),
          yaml(),
          syntaxHighlighting(HIGHLIGHT),
          keymap.of([
            ...closeBracketsKeymap,
            ...defaultKeymap,
            ...searchKeymap,
            ...historyKeymap,
            ...completionKeymap,
            ...lintKeymap,
            { key: "Escape", run: leaveWithTab },
            indentWithTab,
          ]),
          EditorView.contentAttributes.of({
            "aria-label": options.label,
            "aria-describedby": options.describedBy,
            spellcheck: "false",
            // It has the focus of the area that scrolls.
            tabindex: "0",
          }),
          // Far too long a text must not even be split into lines.
          EditorView.domEventHandlers({
            paste: (event) => {
              const length = event.clipboardData?.getData("text/plain").length ?? 0;
              if (length <= TEXT_LIMIT) return false;
              event.preventDefault();
              refuse(length);
              return true;
            },
            // The page takes dropped files.
            drop: (event) => (event.dataTransfer?.files.length ?? 0) > 0,
            blur: (_event, view) => {
              view.setTabFocusMode(false);
              return false;
            },
          }),
          EditorState.transactionFilter.of((transaction) => {
            if (!transaction.docChanged || transaction.newDoc.length <= TEXT_LIMIT) return transaction;
            refuse(transaction.newDoc.length);
            return [];
          }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            if (update.view.state.doc.length > 0) update.view.setTabFocusMode(false);
            if (!this.#isSetting) options.onChange();
          }),
        ],
      }),
    });
  }

  get text(): string {
    return this.#view.state.doc.toString();
  }

  /** Replaces the text, as a change of its own for undo. */
  set text(text: string) {
    const { doc } = this.#view.state;
    if (doc.toString() === text) return;
    this.#isSetting = true;
    this.#view.dispatch({
      changes: { from: 0, to: doc.length, insert: text },
      selection: { anchor: 0 },
      scrollIntoView: true,
      annotations: Transaction.userEvent.of("input.example"),
    });
    this.#isSetting = false;
  }

  /** Shows remarks at their lines, in place of those before. */
  show(remarks: readonly Remark[]): void {
    const { doc } = this.#view.state;
    const diagnostics = remarks.map(({ line, severity, message }): Diagnostic => {
      const place = doc.line(Math.min(Math.max(line, 1), doc.lines));
      const from = place.from + (place.text.length - place.text.trimStart().length);
      return { from, to: Math.max(from, place.to), severity, message };
    });
    diagnostics.sort((one, other) => one.from - other.from);
    this.#view.dispatch(setDiagnostics(this.#view.state, diagnostics));
  }

  /** Puts the cursor into the line, counted from 1. */
  goTo(line: number): void {
    const { doc } = this.#view.state;
    const place = doc.line(Math.min(Math.max(line, 1), doc.lines));
    this.#view.focus();
    this.#view.dispatch({ selection: { anchor: place.from }, effects: EditorView.scrollIntoView(place.from, { y: "center" }) });
  }
}

/** After Escape, Tab leaves the editor, until something is typed. */
function leaveWithTab(view: EditorView): boolean {
  view.setTabFocusMode(true);
  return false;
}

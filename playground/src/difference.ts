// Two texts, line by line.

import { diffLines } from "diff";

import { element } from "./dom";

/** The lines of both texts, those that only one has marked. */
export function difference(before: string, after: string): HTMLElement {
  const lines = diffLines(before, after).flatMap(({ added, removed, value }) => {
    const name = added ? "ins" : removed ? "del" : "span";
    const sign = added ? "+" : removed ? "-" : " ";
    return value
      .replace(/\n$/, "")
      .split("\n")
      .map((text) => element(name, { class: "line" }, `${sign} ${text}\n`));
  });
  return element("pre", { class: "difference" }, ...lines);
}

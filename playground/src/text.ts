// Texts that several rooms of the page need.

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A message of the policy or the program: what is wrong, and what to do about it. */
export function partsOf(message: string): { what: string; help?: string } {
  const mark = "; help: ";
  const at = message.indexOf(mark);
  return at < 0 ? { what: message } : { what: message.slice(0, at), help: message.slice(at + mark.length) };
}

/** A number of bytes, for people. */
export function bytes(count: number): string {
  return count < 1024 * 1024 ? `${Math.ceil(count / 1024)} KiB` : `${(count / 1024 / 1024).toFixed(1)} MiB`;
}

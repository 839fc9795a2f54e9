// The engine of the page: calls a policy module in the browser's own WebAssembly.

import { ConsoleStdout, File, OpenFile, WASI, WASIProcExit } from "@bjorn3/browser_wasi_shim";
import { WapcHost } from "@wapc/host";

import { messageOf } from "../text";

/** Answers what the policy asks of its host; throws if it does not. */
export type Answer = (binding: string, namespace: string, operation: string, payload: Uint8Array) => Uint8Array;

/** What the program needs of its surroundings. */
export interface Engine {
  /** Calls a waPC function of a fresh instance of the policy module. Throws an Error that says why it cannot. */
  call(operation: string, payload: Uint8Array, answer: Answer): Uint8Array;
}

/** A compiled policy module. */
export class PolicyEngine implements Engine {
  readonly #module: WebAssembly.Module;
  readonly #beforeCall: () => void;

  /** Throws if `bytes` are no policy module. `beforeCall` is called before each call. */
  constructor(bytes: Uint8Array<ArrayBuffer>, beforeCall: () => void) {
    try {
      this.#module = new WebAssembly.Module(bytes);
    } catch (error) {
      throw new Error(`expected a waPC policy module: ${messageOf(error)}`);
    }
    const exports = WebAssembly.Module.exports(this.#module).map((each) => each.name);
    for (const name of ["memory", "__guest_call"]) {
      if (!exports.includes(name)) throw new Error(`expected a waPC policy module, found one that does not export ${name}`);
    }
    this.#beforeCall = beforeCall;
  }

  call(operation: string, payload: Uint8Array, answer: Answer): Uint8Array {
    this.#beforeCall();
    try {
      return new Guest(answer).start(this.#module).call(operation, payload);
    } catch (error) {
      if (error instanceof WASIProcExit) throw new Error(`the module ended itself with status ${error.code}`);
      if (error instanceof WebAssembly.RuntimeError) throw new Error(`the module trapped: ${error.message}`);
      if (error instanceof WebAssembly.LinkError) throw new Error(`expected a waPC policy module: ${error.message}`);
      if (error instanceof RangeError) throw new Error(`the module broke the waPC calling convention: ${error.message}`);
      throw error;
    }
  }
}

/** An instance of the module, for one call, without anything to wait for. */
class Guest extends WapcHost {
  readonly #wasi = new WASI(
    [],
    [],
    [new OpenFile(new File([])), ConsoleStdout.lineBuffered(() => {}), ConsoleStdout.lineBuffered(() => {})],
  );

  constructor(answer: Answer) {
    super((...call) => {
      try {
        return answer(...call);
      } catch (error) {
        // It is turned into text, where an Error would get its name in front.
        throw messageOf(error);
      }
    });
  }

  start(module: WebAssembly.Module): this {
    const instance = new WebAssembly.Instance(module, this.getImports());
    // The shim takes its memory from here.
    this.#wasi.inst = instance as unknown as WASI["inst"];
    this.initialize(instance);
    return this;
  }

  override getImports(): WebAssembly.Imports {
    const wasi = this.#wasi.wasiImport;
    const imports = super.getImports();
    return {
      wapc: {
        ...imports["wapc"],
        // In bytes, as it is written: the class counts UTF-16.
        __host_error_len: () => this.textEncoder.encode(this.state.hostError ?? "").length,
      },
      wasi,
      wasi_unstable: wasi,
      wasi_snapshot_preview1: wasi,
    };
  }

  call(operation: string, payload: Uint8Array): Uint8Array {
    const operationEncoded = this.textEncoder.encode(operation);
    this.state.guestRequest = { operation, operationEncoded, msg: payload };
    if (this.guestCall(operationEncoded.length, payload.length) === 0) {
      throw new Error(this.state.guestError ?? "the module failed without an error");
    }
    const response = this.state.guestResponse;
    if (!response) throw new Error("the module broke the waPC calling convention: it succeeded without a response");
    return response;
  }
}

// A module in a worker of its own: runs, the newest of which counts, and what is done if one does not end.

import workerText from "built:worker";

import type { Input, Output, Report, Request } from "./protocol";

/** How long a worker may give no sign of life during a run, in milliseconds. */
const TIME_LIMIT = 5000;

/** What happens to runs. */
export interface Listener {
  /** The answer to the newest run. */
  onOutput(output: Output): void;
  /** The newest run failed, or did not end. The next one starts afresh. */
  onFailure(message: string): void;
  /** The module can never be run. */
  onUnusable(message: string): void;
}

let workerUrl: string | undefined;

/** A module that is ready to run, or will be. */
export class Runner {
  readonly #program: string;
  readonly #module: string | Uint8Array;
  readonly #listener: Listener;
  #worker: Worker | undefined;
  #isReady = false;
  #next: Input | undefined;
  #running: number | undefined;
  #runs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `program` and `module` are deflated and in base64, if they are texts. */
  constructor(program: string, module: string | Uint8Array, listener: Listener) {
    this.#program = program;
    this.#module = module;
    this.#listener = listener;
    this.#start();
  }

  /** Runs `input`, as soon as the run before it is over. Of several that wait, only the newest is run. */
  run(input: Input): void {
    this.#next = input;
    if (!this.#worker) this.#start();
    this.#runNext();
  }

  /** Ends the worker. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#isReady = false;
    this.#running = undefined;
  }

  #start(): void {
    workerUrl ??= URL.createObjectURL(new Blob([workerText], { type: "text/javascript" }));
    const worker = new Worker(workerUrl, { name: "policy" });
    worker.addEventListener("message", ({ data }: MessageEvent<Report>) => this.#hear(data));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#fail(event.message || "the worker cannot be started");
    });
    this.#worker = worker;
    this.#tell({ kind: "start", program: this.#program, module: this.#module });
    this.#watch();
  }

  #tell(request: Request): void {
    this.#worker?.postMessage(request);
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#fail(`stopped, as it took longer than ${TIME_LIMIT / 1000} seconds`);
    }, TIME_LIMIT);
  }

  #fail(message: string): void {
    this.stop();
    this.#next = undefined;
    this.#listener.onFailure(message);
  }

  #runNext(): void {
    if (!this.#isReady || this.#running !== undefined || !this.#next) return;
    this.#runs += 1;
    this.#running = this.#runs;
    this.#tell({ kind: "run", id: this.#runs, input: this.#next });
    this.#next = undefined;
    this.#watch();
  }

  #hear(report: Report): void {
    if (report.kind === "alive") {
      this.#watch();
      return;
    }
    clearTimeout(this.#timer);
    switch (report.kind) {
      case "ready":
        this.#isReady = true;
        break;
      case "unusable":
        this.stop();
        this.#listener.onUnusable(report.message);
        return;
      default:
        this.#running = undefined;
        // A newer run waits: nobody wants to know any more.
        if (this.#next) break;
        if (report.kind === "output") this.#listener.onOutput(report.output);
        else this.#fail(report.message);
    }
    this.#runNext();
  }
}

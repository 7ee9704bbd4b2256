import { type ClusterRecord, type PartRecord, writeRecord } from "./cluster-record.ts";
import type { KnownProcess } from "./known-process.ts";

/** Keeps `cluster.json` as the cluster is, while it is up. */
export class RecordKeeper {
  readonly #file: string;
  readonly #say: (line: string) => void;
  readonly #parts = new Map<string, PartRecord>();
  readonly #restarts = new Map<string, number>();
  readonly #record: Omit<ClusterRecord, "parts" | "restarts">;
  #problem: string | undefined;

  constructor(file: string, record: Omit<ClusterRecord, "parts" | "restarts">, say: (line: string) => void) {
    this.#file = file;
    this.#record = record;
    this.#say = say;
  }

  /** The part has another process, or none. */
  process(part: string, known: KnownProcess | undefined): void {
    if (known === undefined) this.#parts.delete(part);
    else {
      this.#parts.set(part, known);
      this.#restarts.set(part, (this.#restarts.get(part) ?? -1) + 1);
    }
    this.#writeParts();
  }

  ready(part: string): void {
    const known = this.#parts.get(part);
    if (known === undefined) return;
    this.#parts.set(part, { ...known, isReady: true });
    this.#writeParts();
  }

  /** The cluster has stopped in good order, and nothing of it is left. */
  stopped(): void {
    const { supervisor: _, kubeconfig: __, ...rest } = this.#record;
    this.#write({ ...rest, parts: {} });
  }

  #writeParts(): void {
    const [parts, restarts] = [Object.fromEntries(this.#parts), Object.fromEntries(this.#restarts)];
    this.#write({ ...this.#record, parts, restarts });
  }

  /** A record that cannot be written, as on a full disk, ends nobody; the next one may be. */
  #write(record: ClusterRecord): void {
    try {
      writeRecord(this.#file, record);
      this.#problem = undefined;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (this.#problem === text) return;
      this.#problem = text;
      this.#say(`cannot write ${this.#file}: ${text}; the cluster goes on`);
    }
  }
}

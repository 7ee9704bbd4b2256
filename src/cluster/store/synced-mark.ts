import { closeSync, constants, openSync } from "node:fs";
import { type Disk, writeFully } from "./disk.ts";
import { recordLine } from "./record.ts";

// One length for all versions, so that a new one takes the place of the old one within a sector of the disk.
const bodyLength = 43;

/** The file that says up to which version everything is known to be on the disk. What it says stays true when it gets old. */
export class SyncedMark {
  readonly #path: string;
  readonly #disk: Disk;
  #file: number | undefined;

  constructor(path: string, disk: Disk) {
    this.#path = path;
    this.#disk = disk;
  }

  set(version: number): void {
    this.#file ??= openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const line = recordLine(JSON.stringify({ synced: version }).padEnd(bodyLength));
    writeFully(this.#disk, this.#file, line, 0);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

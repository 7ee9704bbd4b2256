import { closeSync, fsyncSync, openSync, rmSync, statSync } from "node:fs";
import { type Disk, isDiskFull, writeFully } from "./disk.ts";

/** Enough for thousands of deletions. */
export const reserveBytes = 1024 * 1024;

/**
 * Room on the disk that is taken while there is some, and given back when the disk is full, so that what frees room (deletions,
 * compaction) can still be written.
 */
export class Reserve {
  readonly #file: string;
  readonly #disk: Disk;
  #isHeld = false;

  constructor(file: string, disk: Disk) {
    this.#file = file;
    this.#disk = disk;
  }

  /** Answers whether the room is held now; false when the disk is too full. */
  hold(): boolean {
    if (this.#isHeld) return true;
    this.#isHeld = statSync(this.#file, { throwIfNoEntry: false })?.size === reserveBytes || this.#fill();
    return this.#isHeld;
  }

  release(): void {
    this.#isHeld = false;
    rmSync(this.#file, { force: true });
  }

  #fill(): boolean {
    try {
      const file = openSync(this.#file, "w", 0o600);
      try {
        writeFully(this.#disk, file, Buffer.alloc(reserveBytes), 0);
        // Some file systems find out only then whether there is room.
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      return true;
    } catch (error) {
      rmSync(this.#file, { force: true });
      if (isDiskFull(error)) return false;
      throw error;
    }
  }
}

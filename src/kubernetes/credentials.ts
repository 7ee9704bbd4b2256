import { readFile } from "node:fs/promises";
import { retrySeconds } from "../time/backoff.ts";
import { type Clock, type Instant, later } from "../time/clock.ts";
import { KubeconfigError } from "./kubeconfig-file.ts";

/** Files with tokens, keys and certificates are replaced from time to time by whoever issued them. */
const fileSeconds = 60;
/** The wait after a renewal that failed, or was of no use at once; it doubles while they follow each other closely. */
const firstHoldSeconds = 1;
const longestHoldSeconds = 60;

/** What the two sides of a connection prove to each other who they are by. */
export interface Credentials {
  /** Value of the `Authorization` header. */
  readonly authorization?: string;
  /** Client certificate and key, PEM. */
  readonly cert?: string;
  readonly key?: string;
  /** PEM of the authorities that may sign the server's certificate; those of the system when absent. */
  readonly ca?: string;
}

export interface CredentialSource {
  /** Credentials that are valid now. Rejects with a message for people when there are none. */
  current(): Promise<Credentials>;
  /**
   * These very credentials, or this part of what `current` gave, are of no use any more. Resolves to whether there are
   * others now: made for this call, or already in place because somebody else was faster.
   */
  refused(credentials: Credentials): Promise<boolean>;
}

/** Credentials that never change. */
export function fixedCredentials(credentials: Credentials): CredentialSource {
  return { current: () => Promise.resolve(credentials), refused: () => Promise.resolve(false) };
}

/** `from` names where the token was found. Throws `KubeconfigError` for one that no HTTP header can carry. */
export function bearer(text: string, from: string): Required<Pick<Credentials, "authorization">> {
  const token = text.trim();
  const at = token.search(/[^\t\x20-\x7e\x80-\xff]/);
  if (at < 0) return { authorization: `Bearer ${token}` };
  const code = (token.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const what = code === "000A" || code === "000D" ? "a line break" : `the character U+${code}`;
  throw new KubeconfigError(
    `${from}: this token cannot be sent: it has ${what} at position ${at + 1}; replace it by the token as it was issued`,
  );
}

/** The parts of several sources in one; where two give the same, the later one counts. */
export function combinedCredentials(sources: readonly CredentialSource[]): CredentialSource {
  return {
    async current() {
      const parts = await Promise.all(sources.map((source) => source.current()));
      return Object.assign({}, ...parts) as Credentials;
    },
    async refused(credentials) {
      const renewed = await Promise.all(sources.map((source) => source.refused(credentials)));
      return renewed.includes(true);
    },
  };
}

/** Where each part is read from; for `authorization` a file that holds a bearer token and nothing else. */
export type CredentialFiles = { readonly [Part in keyof Credentials]: string };

/** Credentials from files, read again every minute and when they are refused. What could be read last goes on to count. */
export function fileCredentials(files: CredentialFiles, clock: Clock): CredentialSource {
  let held: Credentials | undefined;
  return renewedCredentials(clock, async () => {
    try {
      held = Object.fromEntries(await Promise.all(Object.entries(files).map(readPart)));
    } catch (error) {
      if (held === undefined) throw error;
    }
    return { credentials: held, until: later(clock.now(), fileSeconds) };
  });
}

async function readPart([part, path]: readonly [string, string]): Promise<readonly [string, string]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new KubeconfigError(`${path}: this file cannot be read; does it exist?`, { cause });
  });
  if (text.trim() === "") throw new KubeconfigError(`${path}: this file is empty`);
  return [part, part === "authorization" ? bearer(text, path).authorization : text];
}

export interface Renewal {
  readonly credentials: Credentials;
  /** Absent: until they are refused. */
  readonly until?: Instant | undefined;
}

/**
 * Credentials that `renew` makes: once for all who wait for them, and not again and again when that fails or when what it
 * makes is refused or expired at once.
 */
export function renewedCredentials(clock: Clock, renew: () => Promise<Renewal>): CredentialSource {
  return new RenewedCredentials(clock, renew);
}

class RenewedCredentials implements CredentialSource {
  readonly #clock: Clock;
  readonly #renew: () => Promise<Renewal>;
  #held: Renewal | undefined;
  #failure: Error | undefined;
  #renewing: Promise<Credentials> | undefined;
  #renewedAt: Instant | undefined;
  #holdUntil: Instant | undefined;
  /** Renewals in a row that failed or followed closely on another one. */
  #inARow = 0;

  constructor(clock: Clock, renew: () => Promise<Renewal>) {
    this.#clock = clock;
    this.#renew = renew;
  }

  current(): Promise<Credentials> {
    if (this.#renewing !== undefined) return this.#renewing;
    const mustHold = this.#holdUntil !== undefined && this.#clock.now() < this.#holdUntil;
    if (mustHold && this.#failure !== undefined) return Promise.reject(this.#failure);
    const until = this.#held?.until;
    const isValid = until === undefined || this.#clock.now() < until;
    if (this.#held !== undefined && (isValid || mustHold)) return Promise.resolve(this.#held.credentials);
    return this.#begin();
  }

  async refused(credentials: Credentials): Promise<boolean> {
    const held = this.#held?.credentials;
    if (held !== undefined && !hasPartOf(held, credentials)) return false;
    const isReplaced = held === undefined || isOther(held, credentials);
    const mustHold = this.#holdUntil !== undefined && this.#clock.now() < this.#holdUntil;
    if (this.#renewing === undefined && !isReplaced && !mustHold) await this.#begin();
    return isOther(await this.current(), credentials);
  }

  #begin(): Promise<Credentials> {
    const renewing = this.#make().finally(() => {
      this.#renewing = undefined;
    });
    this.#renewing = renewing;
    return renewing;
  }

  async #make(): Promise<Credentials> {
    try {
      const renewal = await this.#renew();
      this.#hold(false);
      this.#held = renewal;
      this.#failure = undefined;
      return renewal.credentials;
    } catch (error) {
      this.#hold(true);
      this.#held = undefined;
      this.#failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  #hold(hasFailed: boolean): void {
    const now = this.#clock.now();
    const isSoon = this.#renewedAt !== undefined && now < later(this.#renewedAt, longestHoldSeconds);
    this.#inARow = isSoon || hasFailed ? this.#inARow + 1 : 0;
    this.#renewedAt = now;
    const wait = { failures: this.#inARow, first: firstHoldSeconds, limit: longestHoldSeconds };
    this.#holdUntil = this.#inARow === 0 ? undefined : later(now, retrySeconds(this.#clock, wait));
  }
}

function partsOf(credentials: Credentials): readonly (keyof Credentials)[] {
  return Object.keys(credentials) as (keyof Credentials)[];
}

function hasPartOf(held: Credentials, refused: Credentials): boolean {
  return partsOf(held).some((part) => part in refused);
}

/** Whether `held` has something else than what was refused. */
function isOther(held: Credentials, refused: Credentials): boolean {
  return partsOf(held).some((part) => part in refused && held[part] !== refused[part]);
}

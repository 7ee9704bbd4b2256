import type { User } from "../../../kubernetes/transport.ts";
import type { Kind } from "../kind.ts";
import type { ApiObject } from "../kinds/rules.ts";

/** A write, as those see it who are asked before it is made. */
export interface Attempt {
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string | undefined;
  /** What it shall be; undefined when it is deleted. */
  readonly object: ApiObject | undefined;
  /** What it is; undefined when it is created. */
  readonly old: ApiObject | undefined;
  readonly dryRun: boolean;
  readonly user: User;
}

/** Those who are asked about one attempt. Both throw the refusal that they want answered. */
export interface Reviewers {
  /** What shall be written instead, and what the client is told. Asked first. */
  change(
    attempt: Attempt,
  ): Promise<{ readonly object: ApiObject | undefined; readonly warnings: readonly string[] }>;
  /** Judges what would be stored. Returns what the client is told. */
  judge(attempt: Attempt): Promise<readonly string[]>;
}

export interface Admission {
  /** Undefined where nobody has to be asked: then the write is made in the same turn. */
  reviewersOf(attempt: Attempt): Reviewers | undefined;
}

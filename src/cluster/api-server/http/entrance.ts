import type { IncomingMessage } from "node:http";
import type { ApiRequest, User } from "../../../kubernetes/transport.ts";
import type { Clock } from "../../../time/clock.ts";
import type { Access } from "../access/access.ts";
import { internalError } from "../refusal.ts";
import { Authentication } from "./authentication.ts";
import { impersonated, impersonationIn } from "./impersonation.ts";

/** What every request passes first, whatever it comes to: who asks, as whom, and whether that one may. */
export class Entrance {
  readonly #access: Access;
  readonly #authentication: Authentication;

  constructor(access: Access, clock: Clock) {
    this.#access = access;
    this.#authentication = new Authentication(access, clock);
  }

  /** The user to judge a request as. Throws the refusal of one that may not be made. */
  admit(request: IncomingMessage, asked: Pick<ApiRequest, "method" | "path" | "query">): User {
    const own = this.#authentication.userOf(request, asked.path);
    const impersonation = impersonationIn(request.headersDistinct);
    if (impersonation === "without a user")
      throw internalError("requested to be somebody else without impersonating a user");
    const user = impersonation === undefined ? own : impersonated(this.#access, own, impersonation);
    this.#access.checkRequest(user, asked);
    return user;
  }
}

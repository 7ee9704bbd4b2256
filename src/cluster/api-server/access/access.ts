import type { User } from "../../../kubernetes/transport.ts";
import { type Authorizer, everybodyMayAll } from "./authorizer.ts";

/** Who this server itself is, and every caller in its process that says nothing else. */
export const ownUser: User = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };

/** Who may do what on this server. */
export interface Access {
  readonly authorizer: Authorizer;
}

export function openAccess(): Access {
  return { authorizer: everybodyMayAll };
}

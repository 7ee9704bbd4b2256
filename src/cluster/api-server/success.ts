import type { ApiResponse } from "../../kubernetes/transport.ts";

/** What is answered where something was done that has no object to show. */
export const successAnswer: ApiResponse = {
  code: 201,
  body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
};

export function withWarnings(response: ApiResponse, warnings: readonly string[]): ApiResponse {
  return warnings.length === 0 ? response : { ...response, warnings };
}

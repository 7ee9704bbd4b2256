import assert from "node:assert/strict";
import type { ApiRequest, ApiResponse } from "../../../kubernetes/transport.ts";
import type { ApiServer } from "../api-server.ts";
import { isFields } from "../json.ts";

export interface RecordedRequest {
  readonly method: ApiRequest["method"];
  readonly path: string;
  readonly contentType?: string;
  readonly body?: unknown;
}

/** Makes a request again that was once made to a real server. */
export function replay(api: ApiServer, request: RecordedRequest): Promise<ApiResponse> {
  return api.request(requestOf(request));
}

export function requestOf({ method, path, body, contentType }: RecordedRequest): ApiRequest {
  const [url = "", query = ""] = path.split("?");
  return {
    method,
    path: url,
    query: Object.fromEntries(new URLSearchParams(query)),
    body,
    contentType: contentType ?? (method === "PATCH" ? "application/merge-patch+json" : "application/json"),
  };
}

// A real cluster runs Deployments and has nothing to warn of.
export function withoutOwn(warnings: readonly string[] = []): readonly string[] {
  return warnings.filter((text) => !text.startsWith("this cluster"));
}

/** `recorded` may leave fields out, and writes `<…>` for values that differ each time. */
export function isLike(value: unknown, recorded: unknown): boolean {
  if (typeof recorded === "string" && recorded.startsWith("<")) return value !== undefined;
  if (Array.isArray(recorded)) {
    return (
      Array.isArray(value) &&
      value.length === recorded.length &&
      recorded.every((one, index) => isLike(value[index], one))
    );
  }
  if (isFields(recorded)) {
    return isFields(value) && Object.entries(recorded).every(([key, one]) => isLike(value[key], one));
  }
  return value === recorded;
}

export function assertLike(value: unknown, recorded: unknown): void {
  if (!isLike(value, recorded)) assert.deepEqual(value, recorded);
}

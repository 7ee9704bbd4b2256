import type { Pod } from "../../../api/core.ts";
import type { ApiRequest, ApiResponse } from "../../../kubernetes/transport.ts";
import type { Clock } from "../../../time/clock.ts";
import type { Store } from "../../store/store.ts";
import type { Access } from "../access/access.ts";
import { answerTokenRequest, tokenRequestType } from "../access/tokens/token-request.ts";
import type { ApiObject } from "../kinds/rules.ts";
import { isApplyType, type WriteOptions, writeOptions } from "../options.ts";
import { checkPatchType } from "../patch/patch.ts";
import type { Written } from "../proposal.ts";
import { badRequest, qualified } from "../refusal.ts";
import { successAnswer, withWarnings } from "../success.ts";
import type { Place, Soon, Writer } from "../writer.ts";
import { finalizeNamespace } from "./namespace-finalize.ts";
import { bindPod } from "./pod-binding.ts";
import { evictPod } from "./pod-eviction.ts";
import { type PodLogs, podLogOptions } from "./pod-logs.ts";
import { scaleOf, writeScale } from "./scale.ts";

/** A request for a subresource of one object, and what it may use. Its verb is one of those that discovery names. */
export interface SubresourceCall {
  readonly place: Place;
  readonly query: Readonly<Record<string, string>>;
  readonly request: ApiRequest;
  readonly store: Store;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly access: Access;
  readonly podLogs: PodLogs | undefined;
  /** The object. Throws the refusal of one that is not there. */
  readonly get: () => ApiObject;
}

/** Throws a refusal. */
type SubresourceAnswer = (call: SubresourceCall) => ApiResponse | Promise<ApiResponse>;

const optionsOf = { POST: "CreateOptions", PUT: "UpdateOptions", PATCH: "PatchOptions" } as const;

/**
 * What each subresource answers, by the resource's name; `*` stands for all that have it. Which verbs a kind's subresource has is
 * in `data/resources.json`, and for custom kinds in their definition.
 */
const answers: Readonly<Record<string, SubresourceAnswer>> = {
  "*/status": answerStatus,
  "*/scale": answerScale,
  "namespaces/finalize": (call) =>
    ok(finalizeNamespace(call.writer, call.place, call.get, call.request.body, optionsIn(call))),
  "pods/attach": needsUpgrade,
  "pods/binding": (call) => {
    const { writer, place, get, request, clock } = call;
    return withWarnings(successAnswer, bindPod(writer, place, get, request.body, clock, optionsIn(call)));
  },
  "pods/eviction": async (call) => {
    const { writer, place, get, request, query, clock } = call;
    const warnings = await evictPod(writer, place, get, request.body, query, clock, optionsIn(call));
    return withWarnings(successAnswer, warnings);
  },
  "pods/exec": needsUpgrade,
  "pods/log": answerLog,
  "pods/portforward": needsUpgrade,
  "serviceaccounts/token": (call) => {
    const { writer, place, request, store, access, clock, get } = call;
    const { object, warnings } = writer.bodies.review(
      tokenRequestType,
      place.namespace,
      request.body,
      optionsIn(call),
    );
    const answered = answerTokenRequest(access.tokens, store, get(), object, clock.now());
    return withWarnings({ code: 201, body: answered }, warnings);
  },
};

/** Undefined for a subresource that nothing answers here. */
export function subresourceAnswer({ kind }: Place, subresource: string): SubresourceAnswer | undefined {
  return answers[`${qualified(kind.info)}/${subresource}`] ?? answers[`*/${subresource}`];
}

/** A container's log as it comes; undefined for a pod on no node, which has written nothing. */
export async function podLogOf(
  { query, clock, podLogs, get }: SubresourceCall,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const pod = get() as unknown as Pod;
  const options = podLogOptions(pod, query, clock.now());
  return (pod.spec.nodeName ?? "") === "" ? undefined : podLogs?.(pod, options, signal);
}

async function answerLog(call: SubresourceCall): Promise<ApiResponse> {
  const log = await podLogOf(call, new AbortController().signal);
  if (log === undefined) return { code: 204, body: "" };
  const pieces: Uint8Array[] = [];
  for await (const piece of log) pieces.push(piece);
  return { code: 200, body: Buffer.concat(pieces).toString() };
}

/** What begins with a change of protocols has no answer without one. */
function needsUpgrade(): never {
  throw badRequest("Upgrade request required");
}

async function answerStatus(call: SubresourceCall): Promise<ApiResponse> {
  const { writer, place, request, get } = call;
  const { kind } = place;
  if (request.method === "GET") return ok(kind.show(get()));
  const { object, warnings } = await writeAsAsked(writer, place, request, "status");
  return withWarnings(ok(kind.show(object)), warnings);
}

/** A PUT or PATCH of an object, or of a subresource that is a part of it. */
export function writeAsAsked(
  writer: Writer,
  place: Place,
  request: ApiRequest,
  subresource?: string,
): Soon<Written> {
  const { body } = request;
  if (request.method === "PUT")
    return writer.update(place, body, writeOptions("UpdateOptions", request), subresource);
  const patchType = request.contentType ?? "application/json";
  if (isApplyType(patchType))
    return writer.apply(place, body, writeOptions("PatchOptions", request), subresource);
  checkPatchType(place.kind, patchType);
  return writer.patch(place, { body, patchType }, writeOptions("PatchOptions", request), subresource);
}

async function answerScale(call: SubresourceCall): Promise<ApiResponse> {
  const { writer, place, request, get } = call;
  if (request.method === "GET") return ok(scaleOf(place.kind, get()));
  const change = { body: request.body, patchType: patchTypeOf(request) };
  const { object, warnings } = await writeScale(writer, place, change, optionsIn(call));
  return withWarnings(ok(object), warnings);
}

function patchTypeOf({ method, contentType }: ApiRequest): string | undefined {
  return method === "PATCH" ? (contentType ?? "application/json") : undefined;
}

function optionsIn({ request }: SubresourceCall): WriteOptions {
  return writeOptions(optionsOf[request.method as keyof typeof optionsOf], request);
}

function ok(body: object): ApiResponse {
  return { code: 200, body };
}

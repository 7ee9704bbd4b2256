import type { TrafficRouter } from "./router.ts";
import { serviceRouter } from "./service/service-router.ts";

/** Every way to move traffic. A new one is a folder beside this file and a line here; the conformance suite runs on all. */
export const routers = { service: serviceRouter } satisfies Record<string, TrafficRouter>;

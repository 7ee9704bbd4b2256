// The words in which scenarios are written.

export { dialects } from "../../../src/cluster/in-process/dialect.ts";
export * from "./acts.ts";
export * from "./expectations.ts";
export { type Play, playScenario, scenario } from "./scenario.ts";
export { another, blueGreen, pods, routesAfter, running } from "./setting.ts";

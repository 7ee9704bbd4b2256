// The words in which scenarios are written.
export * from "./acts.ts";
export { dialects } from "./dialect.ts";
export * from "./expectations.ts";
export { type Play, playScenario, scenario } from "./scenario.ts";
export { another, blueGreen, pods, routesAfter, running } from "./setting.ts";

import { resources } from "../../src/api/resources.ts";
import {
  type Act,
  active,
  blueGreen,
  condition,
  createClusterTemplate,
  createTemplate,
  deploy,
  events,
  healthy,
  installTemplates,
  noCondition,
  phase,
  scenario,
  versions,
} from "./bed/language.ts";

const asking = (...templates: readonly object[]) =>
  blueGreen({ previewService: undefined, prePromotionAnalysis: { templates } });

const deleteTemplate =
  (name: string): Act =>
  ({ cluster }) =>
    cluster.client.delete(resources.analysisTemplates, "default", name);

const lacking = (text: string) => phase("Degraded", `InvalidSpec: The Rollout "web" is invalid: ${text}`);
const field = "spec.strategy.blueGreen.prePromotionAnalysis.templates";

scenario("a template that is not there is told before anything is made", async (given, when, then) => {
  await given(asking({ templateName: "smoke" }));
  await when(installTemplates, deploy("v1"));
  await then(
    lacking(`${field}: Invalid value: "smoke": AnalysisTemplate 'smoke' not found`),
    condition("InvalidSpec", "True", "InvalidSpec"),
    versions(),
    events("RolloutAddedToInformer"),
  );
  await when(createTemplate("smoke"));
  await then(active("v1"), healthy, noCondition("InvalidSpec"));
});

scenario("so is one of the cluster, and one that another names", async (given, when, then) => {
  await given(asking({ templateName: "smoke" }, { templateName: "load", clusterScope: true }));
  await when(installTemplates, createTemplate("smoke", { templateName: "inner" }), deploy("v1"));
  await then(
    lacking(
      "[spec.templates: Invalid value: \"inner\": AnalysisTemplate 'inner' not found, " +
        `${field}: Invalid value: "load": ClusterAnalysisTemplate 'load' not found]`,
    ),
    versions(),
  );
  await when(createTemplate("inner", { templateName: "smoke" }), createClusterTemplate("load"));
  await then(active("v1"), healthy);
});

scenario("and it is where the kind itself is not there", async (given, when, then, after) => {
  await given(asking({ templateName: "smoke" }));
  await when(deploy("v1"));
  await then(lacking(`${field}: Invalid value: "smoke": AnalysisTemplate 'smoke' not found`), versions());
  await when(installTemplates, createTemplate("smoke"));
  await after(1, "min");
  await then(active("v1"), healthy);
});

scenario("a template that goes is told of, and what is live stays live", async (given, when, then) => {
  await given(asking({ templateName: "smoke" }));
  await when(installTemplates, createTemplate("smoke"), deploy("v1"));
  await then(active("v1"), healthy);
  await when(deleteTemplate("smoke"));
  await then(active("v1"), lacking(`${field}: Invalid value: "smoke": AnalysisTemplate 'smoke' not found`));
  await when(createTemplate("smoke"));
  await then(healthy);
});

scenario("an update whose templates are there is ended before the switch", async (given, when, then) => {
  await given(asking({ templateName: "smoke" }));
  await when(installTemplates, createTemplate("smoke"), deploy("v1"), deploy("v2"));
  await then(
    active("v1"),
    phase("Degraded", /prePromotionAnalysis \(smoke\) is asked for, but .* cannot run/),
  );
});

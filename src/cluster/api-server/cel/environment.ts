import { Environment } from "@marcbachmann/cel-js";
import { registerAddresses } from "./functions/addresses.ts";
import { registerLists } from "./functions/lists.ts";
import { registerPresence } from "./functions/presence.ts";
import { registerQuantities } from "./functions/quantities.ts";
import { registerTexts } from "./functions/texts.ts";
import { registerUrls } from "./functions/urls.ts";

/** CEL as Kubernetes has it: with optional values and the functions of its own. */
export const kubernetesEnvironment = makeEnvironment();

function makeEnvironment(): Environment {
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  for (const register of [
    registerPresence,
    registerQuantities,
    registerAddresses,
    registerUrls,
    registerTexts,
    registerLists,
  ]) {
    register(environment);
  }
  return environment;
}

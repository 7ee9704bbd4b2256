import type { PodTemplateSpec } from "../../../api/core.ts";
import { withPodTemplateDefaults } from "../../../api/pod-defaults.ts";
import { fieldsOf } from "../json.ts";
import { plainRules } from "./plain.ts";
import { podSpecErrors } from "./pod/pod-spec-errors.ts";
import type { Rules } from "./rules.ts";

/** PodTemplates on their own, which nothing here makes pods of. */
export const podTemplateRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  withDefaults: (object) => ({
    ...object,
    template: withPodTemplateDefaults({
      spec: {},
      ...fieldsOf(object.template),
    } as unknown as PodTemplateSpec),
  }),
  validate: ({ template }) => podSpecErrors(fieldsOf(fieldsOf(template).spec), "template.spec"),
};

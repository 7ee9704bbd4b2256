import type { KubernetesObject } from "../../api/core.ts";
import { apiVersionOf } from "../../api/resources.ts";
import { type Review, reviews } from "./access/reviews.ts";
import { definitionRules } from "./custom/definition.ts";
import type { Fields } from "./json.ts";
import { asVersion1, fromVersion1, horizontalPodAutoscalerRules } from "./kinds/autoscaling.ts";
import { cronJobRules, jobRules } from "./kinds/batch.ts";
import { endpointSliceRules, endpointsRules, namespaceRules, nodeRules } from "./kinds/cluster.ts";
import { configMapRules, leaseRules, secretRules, serviceAccountRules } from "./kinds/configuration.ts";
import { daemonSetRules } from "./kinds/daemon-set.ts";
import { podDisruptionBudgetRules } from "./kinds/disruption.ts";
import { eventAsCore, eventAsEventsApi, eventRules } from "./kinds/events.ts";
import { ingressClassRules, ingressRules } from "./kinds/ingress.ts";
import { networkPolicyRules } from "./kinds/network-policy.ts";
import { plainRules } from "./kinds/plain.ts";
import { podRules } from "./kinds/pod.ts";
import { podTemplateRules } from "./kinds/pod-template-kind.ts";
import { priorityClassRules } from "./kinds/priority-class.ts";
import { limitRangeRules, resourceQuotaRules } from "./kinds/quota.ts";
import { clusterRoleBindingRules, clusterRoleRules, roleBindingRules, roleRules } from "./kinds/roles.ts";
import type { ApiObject, Rules } from "./kinds/rules.ts";
import { serviceRules } from "./kinds/service.ts";
import { controllerRevisionRules, statefulSetRules } from "./kinds/stateful-set.ts";
import { claimRules, storageClassRules, volumeRules } from "./kinds/storage.ts";
import { deploymentRules, replicaSetRules } from "./kinds/workloads.ts";
import { qualified } from "./refusal.ts";
import type { ResourceInfo } from "./resource-info.ts";
import { components, resourceData, schemaNameOf } from "./schema-data.ts";
import type { BodyType } from "./sent-object.ts";
import { builtInType } from "./type/built-in-type.ts";
import { decode } from "./type/decode.ts";

/** One version of one resource that is served: how its objects are read, stored and shown. */
export interface Kind extends BodyType {
  readonly info: ResourceInfo;
  /** Name in the store; the same for all versions of a resource. */
  readonly collection: string;
  readonly rules: Rules;
  /** What answers an object of a kind that is a question and never stored; undefined for all others. */
  readonly review?: Review | undefined;
  /** Where `/scale` finds things; undefined where there is no such subresource. */
  readonly scale: ScalePaths | undefined;
  /** A clean copy of what a client sent, in the stored form. Throws `Undecodable`; `unknown` takes dropped fields. */
  read(sent: Fields, unknown: string[]): ApiObject;
  /** An object in the stored form as this version calls its fields; undefined where they are called the same. */
  readonly form?: ((object: ApiObject) => KubernetesObject) | undefined;
  /** A stored object in this version. */
  show(stored: KubernetesObject): KubernetesObject;
}

export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** To a text for a custom resource, to a `metav1.LabelSelector` for a built-in one. */
  readonly selector: readonly string[] | undefined;
}

/** Adding a kind: its line here, and its name in the lists that `data/` is made from. */
const builtInRules: Readonly<Record<string, Rules>> = {
  "v1/namespaces": namespaceRules,
  "v1/nodes": nodeRules,
  "v1/pods": podRules,
  "v1/services": serviceRules,
  "v1/events": eventRules,
  "v1/configmaps": configMapRules,
  "v1/secrets": secretRules,
  "v1/serviceaccounts": serviceAccountRules,
  "apps/v1/deployments": deploymentRules,
  "apps/v1/replicasets": replicaSetRules,
  "apps/v1/daemonsets": daemonSetRules,
  "apps/v1/statefulsets": statefulSetRules,
  "apps/v1/controllerrevisions": controllerRevisionRules,
  "v1/endpoints": endpointsRules,
  "policy/v1/poddisruptionbudgets": podDisruptionBudgetRules,
  "batch/v1/jobs": jobRules,
  "batch/v1/cronjobs": cronJobRules,
  "discovery.k8s.io/v1/endpointslices": endpointSliceRules,
  "events.k8s.io/v1/events": eventRules,
  "coordination.k8s.io/v1/leases": leaseRules,
  "apiextensions.k8s.io/v1/customresourcedefinitions": definitionRules,
  "rbac.authorization.k8s.io/v1/roles": roleRules,
  "rbac.authorization.k8s.io/v1/rolebindings": roleBindingRules,
  "rbac.authorization.k8s.io/v1/clusterroles": clusterRoleRules,
  "rbac.authorization.k8s.io/v1/clusterrolebindings": clusterRoleBindingRules,
  "v1/resourcequotas": resourceQuotaRules,
  "v1/limitranges": limitRangeRules,
  "v1/persistentvolumeclaims": claimRules,
  "v1/persistentvolumes": volumeRules,
  "v1/podtemplates": podTemplateRules,
  "autoscaling/v1/horizontalpodautoscalers": horizontalPodAutoscalerRules,
  "autoscaling/v2/horizontalpodautoscalers": horizontalPodAutoscalerRules,
  "networking.k8s.io/v1/ingresses": ingressRules,
  "networking.k8s.io/v1/ingressclasses": ingressClassRules,
  "networking.k8s.io/v1/networkpolicies": networkPolicyRules,
  "scheduling.k8s.io/v1/priorityclasses": priorityClassRules,
  "storage.k8s.io/v1/storageclasses": storageClassRules,
};

/** How the objects of a version that is not the stored one are read and shown. */
interface OtherVersion {
  /** Name in the store. */
  readonly collection: string;
  readonly toStored: (sent: ApiObject) => ApiObject;
  readonly fromStored: (stored: KubernetesObject) => KubernetesObject;
}

const otherVersions: Readonly<Record<string, OtherVersion>> = {
  "events.k8s.io/v1/events": {
    collection: "events",
    toStored: eventAsCore,
    fromStored: remembered(eventAsEventsApi),
  },
  "autoscaling/v1/horizontalpodautoscalers": {
    collection: "horizontalpodautoscalers.autoscaling",
    toStored: fromVersion1,
    fromStored: remembered(asVersion1),
  },
};

const workloadScale: ScalePaths = {
  specReplicas: ["spec", "replicas"],
  statusReplicas: ["status", "replicas"],
  selector: ["spec", "selector"],
};

/** All built-in kinds, in the order of discovery. */
export const builtInKinds: readonly Kind[] = resourceData.map((data): Kind => {
  const [version = "", group = ""] = data.groupVersion.split("/").reverse();
  const key = `${data.groupVersion}/${data.resource}`;
  const review = reviews[key];
  const rules = review === undefined ? builtInRules[key] : plainRules;
  if (rules === undefined) throw new Error(`no rules for ${data.groupVersion} ${data.resource}`);
  const schemaName = schemaNameOf(group, version, data.kind);
  const { groupVersion: _groupVersion, resource, ...rest } = data;
  const info: ResourceInfo = {
    ...rest,
    group,
    version,
    plural: resource,
    listKind: `${data.kind}List`,
    schema: components[schemaName],
    custom: false,
  };
  const type = builtInType(schemaName);
  const other = otherVersions[key];
  return {
    info,
    collection: other?.collection ?? qualified(info),
    rules,
    review,
    type,
    scale: info.subresources.some(({ name }) => name === "scale") ? workloadScale : undefined,
    read: (sent, unknown) => {
      const object = decode(type, sent, unknown) as ApiObject;
      const typed = { ...object, apiVersion: apiVersionOf(info), kind: info.kind };
      return other === undefined ? typed : other.toStored(typed);
    },
    form: other?.fromStored,
    show: other === undefined ? (stored) => stored : other.fromStored,
  };
});

/** Makes each shown form of a stored object once, so that all watchers share it. */
export function remembered(
  show: (stored: KubernetesObject) => KubernetesObject,
): (stored: KubernetesObject) => KubernetesObject {
  const shown = new WeakMap<KubernetesObject, KubernetesObject>();
  return (stored) => {
    let object = shown.get(stored);
    if (object === undefined) {
      object = Object.freeze(show(stored));
      shown.set(stored, object);
    }
    return object;
  };
}

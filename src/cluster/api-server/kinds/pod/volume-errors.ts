import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "../../json.ts";
import { labelName } from "../../names.ts";
import { type FieldError, fieldError } from "../../refusal.ts";
import {
  allRequired,
  duplicateErrors,
  ifThere,
  named,
  noWayUpErrors,
  oneOf,
  relativePathErrors,
  repetitions,
  subdomainErrors,
} from "../field-checks.ts";
import { fieldReferenceErrors, resourceFieldErrors } from "./environment-errors.ts";

type Check = (source: Fields, path: string) => FieldError[];

const requires =
  (...names: readonly string[]): Check =>
  (source, path) =>
    allRequired(source, names, path);

/** Kinds of volumes in the order in which the server looks at them, and what each of them needs. */
const sourceChecks: Readonly<Record<string, Check>> = {
  emptyDir: ({ sizeLimit }, path) =>
    textOf(sizeLimit).startsWith("-")
      ? [fieldError.forbidden(`${path}.sizeLimit`, "SizeLimit field must be a valid resource quantity")]
      : [],
  hostPath: hostPathErrors,
  gitRepo: requires("repository"),
  gcePersistentDisk: (disk, path) =>
    allRequired(disk, ["pdName"], path.replace(/gcePersistentDisk$/, "persistentDisk")),
  awsElasticBlockStore: requires("volumeID"),
  secret: (secret, path) => [
    ...allRequired(secret, ["secretName"], path),
    ...modeErrors(secret.defaultMode, `${path}.defaultMode`),
    ...itemErrors(secret, path),
  ],
  nfs: (nfs, path) => [
    ...allRequired(nfs, ["server", "path"], path),
    ...(textOf(nfs.path).startsWith("/")
      ? []
      : [fieldError.invalid(`${path}.path`, textOf(nfs.path), "must be an absolute path")]),
  ],
  iscsi: requires("targetPortal", "iqn"),
  glusterfs: requires("endpoints", "path"),
  flocker: (flocker, path) =>
    named(flocker, ["datasetName", "datasetUUID"]).length === 0
      ? [fieldError.required(path, "one of datasetName and datasetUUID is required")]
      : [],
  persistentVolumeClaim: requires("claimName"),
  rbd: requires("monitors", "image"),
  cephfs: requires("monitors"),
  cinder: requires("volumeID"),
  downwardAPI: downwardErrors,
  fc: ({ targetWWNs, wwids }, path) =>
    listOf(targetWWNs).length === 0 && listOf(wwids).length === 0
      ? [fieldError.required(`${path}.targetWWNs`, "must specify either targetWWNs or wwids, but not both")]
      : [],
  flexVolume: requires("driver"),
  configMap: configMapErrors,
  azureFile: requires("secretName", "shareName"),
  vsphereVolume: requires("volumePath"),
  quobyte: (quobyte, path) => [
    ...(textOf(quobyte.registry) === ""
      ? [
          fieldError.required(
            `${path}.registry`,
            "must be a host:port pair or multiple pairs separated by commas",
          ),
        ]
      : []),
    ...allRequired(quobyte, ["volume"], path),
  ],
  azureDisk: (disk, path) => [
    ...allRequired(disk, ["diskName", "diskURI"], path),
    ...(disk.kind === "Shared" && !textOf(disk.diskURI).startsWith("https://")
      ? oneOf(
          textOf(disk.diskURI),
          ["https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"],
          `${path}.diskURI`,
        )
      : []),
  ],
  photonPersistentDisk: requires("pdID"),
  portworxVolume: requires("volumeID"),
  scaleIO: requires("gateway", "system", "volumeName"),
  storageos: requires("volumeName"),
  projected: projectedErrors,
  csi: (csi, path) => [
    ...allRequired(csi, ["driver"], path),
    ...subdomainErrors(textOf(csi.driver).toLowerCase(), `${path}.driver`),
  ],
  ephemeral: ephemeralErrors,
  image: () => [],
};

/** Errors of a pod's volumes. */
export function volumeErrors(volumes: unknown, path: string): FieldError[] {
  const names = fieldsIn(volumes).map(({ name }) => textOf(name));
  const isRepeated = repetitions(names);
  return fieldsIn(volumes).flatMap((volume, index) => {
    const at = `${path}[${index}]`;
    const [first, ...others] = named(volume, Object.keys(sourceChecks));
    return [
      ...(first === undefined
        ? []
        : (sourceChecks[first]?.(fieldsOf(volume[first]), `${at}.${first}`) ?? [])),
      ...others.map((other) =>
        fieldError.forbidden(`${at}.${other}`, "may not specify more than 1 volume type"),
      ),
      ...volumeNameErrors(names[index] ?? "", isRepeated[index] === true, `${at}.name`),
    ];
  });
}

function volumeNameErrors(name: string, isRepeated: boolean, field: string): FieldError[] {
  if (name === "") return [fieldError.required(field)];
  const problems = labelName(name);
  if (problems.length > 0) return problems.map((text) => fieldError.invalid(field, name, text));
  return isRepeated ? [fieldError.duplicate(field, name)] : [];
}

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

function hostPathErrors(hostPath: Fields, path: string): FieldError[] {
  const missing = allRequired(hostPath, ["path"], path);
  if (missing.length > 0) return missing;
  return [
    ...noWayUpErrors(textOf(hostPath.path), `${path}.path`),
    ...oneOf(hostPath.type, hostPathTypes, `${path}.type`),
  ];
}

function configMapErrors(configMap: Fields, path: string): FieldError[] {
  return [
    ...allRequired(configMap, ["name"], path),
    ...modeErrors(configMap.defaultMode, `${path}.defaultMode`),
    ...itemErrors(configMap, path),
  ];
}

function modeErrors(mode: unknown, field: string): FieldError[] {
  return typeof mode === "number" && (mode < 0 || mode > 0o777)
    ? [fieldError.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")]
    : [];
}

function itemErrors({ items }: Fields, path: string): FieldError[] {
  return fieldsIn(items).flatMap((item, index) => {
    const at = `${path}.items[${index}]`;
    return [
      ...allRequired(item, ["key", "path"], at),
      ...filePathErrors(textOf(item.path), `${at}.path`),
      ...modeErrors(item.mode, `${at}.mode`),
    ];
  });
}

function filePathErrors(path: string, field: string): FieldError[] {
  const errors = relativePathErrors(path, field);
  return errors.length === 0 && path.startsWith("..")
    ? [fieldError.invalid(field, path, "must not start with '..'")]
    : errors;
}

const fileFields = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

// The server names items of this kind without their number.
function downwardErrors(downward: Fields, path: string): FieldError[] {
  return [
    ...modeErrors(downward.defaultMode, `${path}.defaultMode`),
    ...fieldsIn(downward.items).flatMap((item) => downwardItemErrors(item, path)),
  ];
}

function downwardItemErrors(item: Fields, path: string): FieldError[] {
  const { fieldRef, resourceFieldRef } = item;
  const file = textOf(item.path);
  return [
    ...(file === "" ? [fieldError.required(`${path}.path`)] : filePathErrors(file, `${path}.path`)),
    ...ifThere(item, "fieldRef", path, (reference, at) => fieldReferenceErrors(reference, at, fileFields)),
    ...(fieldRef !== undefined && resourceFieldRef !== undefined
      ? [
          fieldError.invalid(
            path,
            "resource",
            "fieldRef and resourceFieldRef can not be specified simultaneously",
          ),
        ]
      : fieldRef === undefined
        ? ifThere(item, "resourceFieldRef", path, resourceFileErrors)
        : []),
    ...(fieldRef === undefined && resourceFieldRef === undefined
      ? [fieldError.required(path, "one of fieldRef and resourceFieldRef is required")]
      : []),
    ...modeErrors(item.mode, `${path}.mode`),
  ];
}

function resourceFileErrors(reference: Fields, path: string): FieldError[] {
  const missing = allRequired(reference, ["containerName"], path);
  return missing.length > 0 ? missing : resourceFieldErrors(reference, path);
}

const shortestTokenSeconds = 600;
const longestTokenSeconds = 2 ** 32;

function projectedErrors(projected: Fields, path: string): FieldError[] {
  const taken = new Set<string>();
  return [
    ...modeErrors(projected.defaultMode, `${path}.defaultMode`),
    ...fieldsIn(projected.sources).flatMap((source, index) => {
      const at = `${path}.sources[${index}]`;
      const [first, ...others] = named(source, ["secret", "configMap", "downwardAPI", "serviceAccountToken"]);
      if (first === undefined) return [];
      const part = fieldsOf(source[first]);
      return [
        ...sourceErrors(first, part, `${at}.${first}`, path),
        ...conflictErrors(first, part, taken, path),
        ...others.map(() => fieldError.forbidden(at, "may not specify more than 1 volume type per source")),
      ];
    }),
  ];
}

function sourceErrors(kind: string, source: Fields, path: string, volumePath: string): FieldError[] {
  if (kind === "downwardAPI") return downwardErrors(source, path);
  if (kind !== "serviceAccountToken")
    return [...allRequired(source, ["name"], path), ...itemErrors(source, path)];
  const { expirationSeconds: seconds } = source;
  const field = `${path}.expirationSeconds`;
  return [
    ...(typeof seconds === "number" && seconds < shortestTokenSeconds
      ? [fieldError.invalid(field, seconds, "may not specify a duration less than 10 minutes")]
      : []),
    ...(typeof seconds === "number" && seconds > longestTokenSeconds
      ? [fieldError.invalid(field, seconds, "may not specify a duration larger than 2^32 seconds")]
      : []),
    ...(textOf(source.path) === ""
      ? [fieldError.required(`${volumePath}.path`)]
      : filePathErrors(textOf(source.path), `${volumePath}.path`)),
  ];
}

function conflictErrors(kind: string, source: Fields, taken: Set<string>, path: string): FieldError[] {
  if (kind !== "secret" && kind !== "configMap") return [];
  return fieldsIn(source.items).flatMap((item) => {
    const file = textOf(item.path);
    const isTaken = taken.has(file);
    taken.add(file);
    return isTaken ? [fieldError.invalid(path, source.name, "conflicting duplicate paths")] : [];
  });
}

function ephemeralErrors({ volumeClaimTemplate: template }: Fields, path: string): FieldError[] {
  const at = `${path}.volumeClaimTemplate`;
  if (template === undefined) return [fieldError.required(at)];
  const { accessModes, resources } = fieldsOf(fieldsOf(template).spec);
  const storage = fieldsOf(fieldsOf(resources).requests).storage;
  return [
    ...(listOf(accessModes).length === 0
      ? [fieldError.required(`${at}.spec.accessModes`, "at least 1 access mode is required")]
      : []),
    ...(storage === undefined ? [fieldError.required(`${at}.spec.resources[storage]`)] : []),
  ];
}

/** Errors of where a container sees the pod's volumes. */
export function mountErrors(container: Fields, volumes: readonly Fields[], path: string): FieldError[] {
  const kindOf = new Map(volumes.map((volume) => [textOf(volume.name), volume]));
  const mounts = fieldsIn(container.volumeMounts);
  const devices = fieldsIn(container.volumeDevices);
  const places = mounts.map(({ mountPath }) => textOf(mountPath));
  const isRepeated = repetitions(places);
  const isNameRepeated = repetitions(devices.map(({ name }) => textOf(name)));
  const isPlaceRepeated = repetitions(devices.map(({ devicePath }) => textOf(devicePath)));
  const isPrivileged = fieldsOf(container.securityContext).privileged === true;
  return [
    ...mounts.flatMap((mount, index) => [
      ...volumeReferenceErrors(mount, kindOf, `${path}.volumeMounts[${index}]`),
      ...placeErrors(
        places[index] ?? "",
        isRepeated[index] === true,
        `${path}.volumeMounts[${index}].mountPath`,
      ),
      ...mountOptionErrors(mount, isPrivileged, `${path}.volumeMounts`, index),
    ]),
    ...devices.flatMap((device, index) => {
      const repeated = { name: isNameRepeated[index] === true, place: isPlaceRepeated[index] === true };
      return deviceErrors(device, repeated, kindOf, `${path}.volumeDevices[${index}]`);
    }),
  ];
}

function volumeReferenceErrors(
  reference: Fields,
  volumes: ReadonlyMap<string, Fields>,
  path: string,
): FieldError[] {
  const name = textOf(reference.name);
  return [
    ...allRequired(reference, ["name"], path),
    ...(volumes.has(name) ? [] : [fieldError.notFound(`${path}.name`, name)]),
  ];
}

function placeErrors(place: string, isRepeated: boolean, field: string): FieldError[] {
  if (place === "") return [fieldError.required(field)];
  return isRepeated ? [fieldError.invalid(field, place, "must be unique")] : [];
}

// The server names some of these without the mount's number.
function mountOptionErrors(mount: Fields, isPrivileged: boolean, list: string, index: number): FieldError[] {
  const { subPath, subPathExpr, mountPropagation, recursiveReadOnly, readOnly } = mount;
  return [
    ...relativePathErrors(textOf(subPath), `${list}.subPath`),
    ...relativePathErrors(textOf(subPathExpr), `${list}.subPathExpr`),
    ...(textOf(subPath) !== "" && textOf(subPathExpr) !== ""
      ? [
          fieldError.invalid(
            `${list}[${index}].subPathExpr`,
            subPathExpr,
            "subPathExpr and subPath are mutually exclusive",
          ),
        ]
      : []),
    ...oneOf(mountPropagation, ["Bidirectional", "HostToContainer", "None"], `${list}.mountPropagation`),
    ...(mountPropagation === "Bidirectional" && !isPrivileged
      ? [
          fieldError.forbidden(
            `${list}.mountPropagation`,
            "Bidirectional mount propagation is available only to privileged containers",
          ),
        ]
      : []),
    ...(recursiveReadOnly !== undefined && recursiveReadOnly !== "Disabled" && readOnly !== true
      ? [fieldError.forbidden(`${list}.recursiveReadOnly`, "may only be specified when readOnly is true")]
      : []),
  ];
}

function deviceErrors(
  { name, devicePath }: Fields,
  isRepeated: { readonly name: boolean; readonly place: boolean },
  volumes: ReadonlyMap<string, Fields>,
  path: string,
): FieldError[] {
  const volume = volumes.get(textOf(name));
  const isBlock = volume?.persistentVolumeClaim !== undefined || volume?.ephemeral !== undefined;
  return [
    ...allRequired({ name }, ["name"], path),
    ...(isRepeated.name ? [fieldError.invalid(`${path}.name`, name, "must be unique")] : []),
    ...(volume === undefined ? [fieldError.notFound(`${path}.name`, textOf(name))] : []),
    ...(volume !== undefined && !isBlock
      ? [
          fieldError.invalid(
            `${path}.name`,
            name,
            "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
          ),
        ]
      : []),
    ...(textOf(devicePath) === ""
      ? [fieldError.required(`${path}.devicePath`)]
      : isRepeated.place
        ? [fieldError.invalid(`${path}.devicePath`, devicePath, "must be unique")]
        : []),
  ];
}

/** Errors of the claims of devices that a pod makes. */
export function resourceClaimErrors(claims: unknown, path: string): FieldError[] {
  const all = fieldsIn(claims);
  return [
    ...all.flatMap((claim, index) => [
      ...allRequired(claim, ["name"], `${path}[${index}]`),
      ...(named(claim, ["resourceClaimName", "resourceClaimTemplateName"]).length === 0
        ? [
            fieldError.invalid(
              `${path}[${index}]`,
              claim,
              "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            ),
          ]
        : []),
    ]),
    ...duplicateErrors(
      all.map(({ name }) => textOf(name)),
      (index) => `${path}[${index}].name`,
    ),
  ];
}

import { stat } from "node:fs/promises";
import { missingLoader } from "../../cluster/node/images/archive/program-loader.ts";
import { isImageName } from "../../cluster/node/images/image-name.ts";
import { badName, builtInImage, ImageStore } from "../../cluster/node/images/image-store.ts";
import { dataFolder } from "../../cluster/supervisor/data-folder.ts";
import { formatTime } from "../../time/clock.ts";
import { type GlobalFlags, verb } from "../command.ts";
import { CommandError, UsageError } from "../errors.ts";
import { columns } from "../print/columns.ts";
import { plain } from "../print/paint.ts";

export const imageAdd = verb({
  flags: {
    tar: {
      takes: "text",
      value: "FILE",
      help: "an OCI layout as a tar archive, or what docker save has written",
    },
  },
  words: { least: 0, most: 2 },
  async run({ words, flags }, { terminal, global }) {
    const [name, folder] = words;
    const images = storeOf(global);
    if (flags.tar !== undefined) {
      if (folder !== undefined) throw new UsageError(`--tar: is given in place of the folder ${folder}`);
      await checkFile(flags.tar);
      const { addArchive } = await import("../../cluster/node/images/archive/image-archive.ts");
      for (const image of await addArchive(images, flags.tar, name)) {
        terminal.out(`image "${image.name}" added\n`);
        const { entrypoint, arguments: rest, root } = await images.resolve(image.name);
        const lacking = missingLoader(root ?? "", [...entrypoint, ...rest][0] ?? "");
        if (lacking !== undefined)
          terminal.error(
            `its program needs ${lacking}, which this machine has not: containers of it will not start\n`,
          );
      }
      return 0;
    }
    if (name === undefined || folder === undefined)
      throw new UsageError("needs NAME:TAG and DIR, or --tar FILE");
    await checkFolder(folder);
    const image = await images.add(name, folder);
    terminal.out(`image "${image.name}" added: ${image.folder}\n`);
    return 0;
  },
});

export const imageBuild = verb({
  flags: {
    tag: {
      takes: "texts",
      short: "t",
      value: "NAME:TAG",
      help: "name of the image; may be given several times",
    },
    file: { takes: "text", short: "f", value: "FILE", help: "the Dockerfile, DIR/Dockerfile unless given" },
    "build-arg": {
      takes: "texts",
      value: "NAME=VALUE",
      help: "value of an ARG; NAME alone takes it from the environment",
    },
    target: { takes: "text", value: "STAGE", help: "the stage to build, the last unless given" },
    cache: { takes: "nothing", initially: true, help: "use what earlier builds have done" },
  },
  words: { least: 1, most: 1 },
  async run({ words: [folder = ""], flags }, { terminal, global, clock }) {
    await checkFolder(folder);
    if (flags.tag.length === 0) throw new UsageError("--tag: must be given: -t NAME:TAG");
    const bad = flags.tag.find((name) => !isImageName(name));
    if (bad !== undefined) throw new UsageError(`--tag: ${badName(bad)}`);
    const { buildImage } = await import("../../cluster/node/images/build/build.ts");
    const built = await buildImage({
      images: storeOf(global),
      names: flags.tag,
      context: folder,
      file: flags.file,
      buildArguments: new Map(flags["build-arg"].map(buildArgument)),
      target: flags.target,
      usesLayers: flags.cache,
      createdAt: formatTime(clock.now()),
      say: (line) => terminal.error(`${line}\n`),
      output: (text) => terminal.error(text),
    });
    for (const { name, id } of built) terminal.out(`image "${name}" built: ${id}\n`);
    return 0;
  },
});

function buildArgument(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  const value = process.env[text];
  if (value === undefined) throw new UsageError(`--build-arg: must be NAME=VALUE, not ${text}`);
  return [text, value];
}

export const imageList = verb({
  flags: {},
  words: { least: 0, most: 0 },
  async run(_, { terminal, global }) {
    const images = storeOf(global);
    const named = await Promise.all(
      (await images.list()).map(async ({ name, folder }) => {
        const known = (await images.resolve(name).catch(() => undefined))?.facts;
        return [name, shortId(known?.id), sizeText(known?.sizeBytes), folder];
      }),
    );
    const pushed = images
      .pushed()
      .map(({ name, digest, sizeBytes }) => [name, shortId(digest), sizeText(sizeBytes), "in the registry"]);
    const rows = [
      ["IMAGE", "ID", "SIZE", "FOLDER"],
      ...named,
      ...pushed,
      [builtInImage, "-", "-", "built in"],
    ];
    terminal.out(columns(rows, 2, plain));
    return 0;
  },
});

export const imageInspect = verb({
  flags: {},
  words: { least: 1, most: 1 },
  async run({ words: [name = ""] }, { terminal, global }) {
    const { facts, entrypoint, arguments: command, ...image } = await storeOf(global).resolve(name);
    terminal.out(`${JSON.stringify({ ...image, entrypoint, command, ...facts }, null, 2)}\n`);
    return 0;
  },
});

export const imageRemove = verb({
  flags: {},
  words: { least: 1, most: 1 },
  async run({ words: [name = ""] }, { terminal, global }) {
    const images = storeOf(global);
    if (!(await images.remove(name)))
      throw new CommandError(`there is no image "${name}"; "teal image list" shows all`);
    terminal.out(`image "${name}" removed\n`);
    const { removeUnused } = await import("../../cluster/node/images/unused-folders.ts");
    await removeUnused(images);
    return 0;
  },
});

function shortId(id: string | undefined): string {
  return id === undefined ? "-" : (id.split(":")[1] ?? id).slice(0, 12);
}

function sizeText(bytes: number | undefined): string {
  if (bytes === undefined) return "-";
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)}kB` : `${(bytes / 1_000_000).toFixed(1)}MB`;
}

function storeOf(global: GlobalFlags): ImageStore {
  return new ImageStore(dataFolder(global.data).path);
}

async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw new CommandError(`${folder} cannot be read: ${error.message}`);
  });
  if (found === undefined) throw new CommandError(`there is no folder ${folder}`);
  if (!found.isDirectory()) throw new CommandError(`${folder} is no folder`);
}

async function checkFile(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw new CommandError(`${path} cannot be read: ${error.message}`);
  });
  if (found === undefined) throw new CommandError(`there is no file ${path}`);
  if (!found.isFile()) throw new CommandError(`${path} is no file`);
}

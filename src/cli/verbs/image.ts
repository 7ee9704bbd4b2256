import { stat } from "node:fs/promises";
import { ImageStore } from "../../cluster/node/images/image-store.ts";
import { dataFolder } from "../../cluster/supervisor/data-folder.ts";
import { formatTime } from "../../time/clock.ts";
import { type GlobalFlags, verb } from "../command.ts";
import { CommandError, UsageError } from "../errors.ts";
import { columns } from "../print/columns.ts";
import { plain } from "../print/paint.ts";

export const imageAdd = verb({
  flags: {},
  words: { least: 2, most: 2 },
  async run({ words: [name = "", folder = ""] }, { terminal, global }) {
    await checkFolder(folder);
    const image = await storeOf(global).add(name, folder);
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
    const images = await storeOf(global).list();
    if (images.length === 0) terminal.error('No images. "teal image add NAME:TAG DIR" adds one.\n');
    else
      terminal.out(
        columns([["IMAGE", "FOLDER"], ...images.map(({ name, folder }) => [name, folder])], 2, plain),
      );
    return 0;
  },
});

export const imageRemove = verb({
  flags: {},
  words: { least: 1, most: 1 },
  async run({ words: [name = ""] }, { terminal, global }) {
    if (!(await storeOf(global).remove(name)))
      throw new CommandError(`there is no image "${name}"; "teal image list" shows all`);
    terminal.out(`image "${name}" removed\n`);
    return 0;
  },
});

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

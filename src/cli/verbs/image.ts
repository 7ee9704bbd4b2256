import { stat } from "node:fs/promises";
import { ImageStore } from "../../cluster/node/images/image-store.ts";
import { dataFolder } from "../../cluster/supervisor/data-folder.ts";
import { type GlobalFlags, verb } from "../command.ts";
import { CommandError } from "../errors.ts";
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

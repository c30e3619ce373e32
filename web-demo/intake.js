// How files come in: dropped anywhere on the page, single or in folders, or chosen with one of two buttons. Gives
// `[{ file, path }]`, where the path begins with the folder's name.

const $ = (id) => document.getElementById(id);

const readEntries = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

/** Every file below a dropped entry; a folder's reader gives some at a time until it gives none. */
async function* filesBelow(entry) {
  if (entry.isFile) {
    yield { file: await fileOf(entry), path: entry.fullPath.replace(/^\//, '') };
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const entries = await readEntries(reader);
    if (entries.length === 0) return;
    for (const child of entries) yield* filesBelow(child);
  }
}

async function droppedFiles(transfer) {
  // The entries must all be asked for within the event; afterwards the transfer is empty.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [];
  for (const entry of entries) for await (const found of filesBelow(entry)) files.push(found);
  return files;
}

const chosenFiles = (input) => [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

const bringsFiles = (event) => event.dataTransfer?.types.includes('Files');

/** Listens on the whole page; `isOpen()` tells whether files may come, `onFiles(files)` takes them. */
export function enableIntake(isOpen, onFiles) {
  const curtain = $('curtain');
  document.addEventListener('dragover', (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = isOpen() ? 'copy' : 'none';
    curtain.hidden = !isOpen();
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) curtain.hidden = true;
  });
  document.addEventListener('drop', async (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    curtain.hidden = true;
    if (isOpen()) onFiles(await droppedFiles(event.dataTransfer));
  });
  for (const [button, input] of [[$('choose-files'), $('files')], [$('choose-folder'), $('folder')]]) {
    button.addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      onFiles(chosenFiles(input));
      input.value = '';
    });
  }
}

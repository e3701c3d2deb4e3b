// A backup is as large as the library, and its address wants the token: it goes straight to the disk where the browser can,
// else by way of its memory.

import { sessionToken } from '../account/session';
import { at } from '../api/base';
import { faultOf } from '../api/client';
import { saveBlob } from '../ui/saveBlob';

type Picker = (options: { suggestedName: string }) => Promise<{ createWritable: () => Promise<WritableStream<Uint8Array>> }>;

export async function saveBackup(name: string): Promise<void> {
  const pick = (window as { showSaveFilePicker?: Picker }).showSaveFilePicker;
  let target: WritableStream<Uint8Array> | null = null;
  if (pick) {
    try {
      target = await (await pick.call(window, { suggestedName: name })).createWritable();
    } catch (error) {
      // Whoever closes the dialog wants no file.
      if (error instanceof DOMException && error.name === 'AbortError') return;
    }
  }
  const response = await fetch(at(`/api/admin/backups/${encodeURIComponent(name)}`), {
    headers: { Authorization: `Bearer ${sessionToken() ?? ''}` },
  });
  if (!response.ok || !response.body) throw faultOf(response.status, await response.json().catch(() => null));
  if (target) {
    await response.body.pipeTo(target);
    return;
  }
  saveBlob(await response.blob(), name);
}

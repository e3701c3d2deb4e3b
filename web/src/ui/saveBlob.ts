/** Gives the user these bytes as a file. */
export function saveBlob(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The download has begun by then; the browser holds what it needs.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

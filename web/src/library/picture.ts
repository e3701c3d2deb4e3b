// Someone's own picture as a cover: any format that this browser reads, cut to a square, small enough for the studio.

const kSide = 1024;

/** The largest square in the middle of a picture. */
export function middleSquare(width: number, height: number): { x: number; y: number; side: number } {
  const side = Math.min(width, height);
  return { x: Math.floor((width - side) / 2), y: Math.floor((height - side) / 2), side };
}

export async function squarePicture(picture: Blob): Promise<Blob> {
  const image = await createImageBitmap(picture);
  try {
    const { x, y, side } = middleSquare(image.width, image.height);
    const size = Math.min(kSide, side);
    const canvas = document.createElement('canvas');
    canvas.width = size;
    canvas.height = size;
    const context = canvas.getContext('2d');
    if (!context || size === 0) throw new Error('no picture');
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, x, y, side, side, 0, 0, size, size);
    const out = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', 0.92));
    if (!out) throw new Error('no picture');
    return out;
  } finally {
    image.close();
  }
}

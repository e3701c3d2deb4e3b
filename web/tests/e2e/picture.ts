import { crc32, deflateSync } from 'node:zlib';

const chunk = (type: string, data: Buffer): Buffer => {
  const inside = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(inside.length + 8);
  out.writeUInt32BE(data.length, 0);
  inside.copy(out, 4);
  out.writeUInt32BE(crc32(inside), inside.length + 4);
  return out;
};

type Colour = [number, number, number];

/** A PNG of 8 bits a colour. */
export function picture(width: number, height: number, colourAt: (x: number, y: number) => Colour): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const lines = Buffer.alloc(height * (1 + 3 * width));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) lines.set(colourAt(x, y), y * (1 + 3 * width) + 1 + 3 * x);
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(lines)), chunk('IEND', Buffer.alloc(0))]);
}

/** A green PNG, wider than high. */
export const greenPicture = (width = 160, height = 100): Buffer => picture(width, height, () => [0, 255, 0]);

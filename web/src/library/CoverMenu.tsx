// Changing a song's cover: a picture of one's own, one that the image model draws, or the one that the studio draws itself.

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ImageUp, Paintbrush, Sparkles } from 'lucide-react';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';

import { type Song, client, coverAddress, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { patchSong, useStatus } from '../api/queries';
import { coverChanged } from '../ui/Cover';
import { Menu, type MenuItem } from '../ui/Menu';
import { Button } from '../ui/kit';
import { toast } from '../ui/toasts';
import { squarePicture } from './picture';

const path = (song: Song) => ({ params: { path: { id: song.id } } });

/** The picture goes as it is: the generated client would make JSON of it. */
const put = (song: Song, picture: Blob): Promise<Song> =>
  got(
    client.POST('/api/songs/{id}/cover', {
      ...path(song),
      body: picture as never,
      bodySerializer: (body: unknown) => body as Blob,
      headers: { 'Content-Type': picture.type },
    }),
  ) as Promise<Song>;

async function drawnByModel(song: Song): Promise<Blob> {
  const { image_base64 } = await got(
    client.POST('/api/ai/thumbnail', { body: { title: song.title ?? '', tags: song.tags, lyrics_preview: '', style: 'album cover art' } }),
  );
  const bytes = Uint8Array.from(atob(image_base64), (letter) => letter.charCodeAt(0));
  return squarePicture(new Blob([bytes]));
}

export function CoverMenu({ song }: { song: Song }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const status = useStatus().data;
  const input = useRef<HTMLInputElement>(null);

  const show = (changed: Song): void => {
    patchSong(queries, song.id, changed);
    coverChanged(song.id);
  };
  const change = useMutation({
    // What was there before is fetched first, so that there is a way back.
    mutationFn: async (make: () => Promise<Song>) => {
      const old = coverAddress(song, true);
      const before = old ? await fetch(old).then((r) => (r.ok ? r.blob() : null)) : null;
      return { changed: await make(), before };
    },
    onSuccess: ({ changed, before }) => {
      show(changed);
      const undo = (): void => void put(song, before!).then(show, say);
      toast(t('library.coverChanged'), { tone: 'good', ...(before ? { action: { label: t('ui.undo'), run: undo } } : {}) });
    },
    onError: (error) => say(error),
  });
  const say = (error: unknown): void =>
    void toast(error instanceof Error && 'status' in error ? sentenceFor(error, t) : t('library.noPicture'), { tone: 'bad' });

  const items: MenuItem[] = [
    { label: t('library.coverOwn'), icon: ImageUp, run: () => input.current?.click() },
    ...(status?.covers_configured
      ? [{ label: t('library.coverModel'), icon: Sparkles, run: () => change.mutate(async () => put(song, await drawnByModel(song))) }]
      : []),
    {
      label: t('library.coverDrawn'),
      icon: Paintbrush,
      run: () => change.mutate(() => got(client.DELETE('/api/songs/{id}/cover', path(song)))),
    },
  ];
  return (
    <>
      <Menu
        label={t('library.changeCover')}
        items={items}
        button={(props) => (
          <Button {...props} icon={ImageUp} busy={change.isPending} className="glass min-h-9 border border-line bg-transparent px-3">
            {t('library.cover')}
          </Button>
        )}
      />
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        aria-label={t('library.coverOwn')}
        onChange={(e) => {
          const file = e.target.files?.[0];
          e.target.value = '';
          if (file) change.mutate(async () => put(song, await squarePicture(file)));
        }}
      />
    </>
  );
}

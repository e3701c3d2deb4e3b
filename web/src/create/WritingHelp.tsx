import { useMutation } from '@tanstack/react-query';
import { Feather } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { Button, Note, Select, inputLook } from '../ui/kit';
import { toast } from '../ui/toasts';
import { useDesk } from './draft';
import { joinTags, parseTags } from './tags';

const kSongLanguages = ['English', 'German', 'Spanish', 'Chinese', 'Japanese', 'Korean', 'French', 'Portuguese', 'Italian'];
const kOfPage: Record<string, string> = { en: 'English', de: 'German', es: 'Spanish', zh: 'Chinese', ja: 'Japanese', ko: 'Korean' };

/** An idea in, a draft out. What it writes never takes the place of words without a way back. */
export function WritingHelp() {
  const { t, i18n } = useTranslation();
  const idea = useDesk((s) => s.draft.idea);
  const set = useDesk((s) => s.set);
  const [language, setLanguage] = useState(kOfPage[i18n.language] ?? 'English');
  const write = useMutation({
    mutationFn: () => got(client.POST('/api/ai/lyrics', { body: { prompt: idea.trim(), language: language.toLowerCase() } })),
    onSuccess: (song) => {
      const undo = useDesk
        .getState()
        .replace({ title: song.title, tags: joinTags(parseTags(song.tags)), lyrics: song.lyrics }, 'help');
      toast(t('create.written'), { tone: 'good', action: { label: t('ui.undo'), run: undo } });
    },
  });
  return (
    <form
      className="grid grid-cols-1 gap-2 rounded-card border border-compose/40 bg-[color-mix(in_srgb,var(--compose)_7%,var(--panel))] p-3"
      onSubmit={(e) => {
        e.preventDefault();
        if (idea.trim()) write.mutate();
      }}
    >
      <div className="flex flex-wrap gap-2">
        <input
          aria-label={t('create.idea')}
          placeholder={t('create.ideaPlaceholder')}
          value={idea}
          onChange={(e) => set({ idea: e.target.value })}
          className={`${inputLook} h-10 min-w-0 flex-[1_1_220px] border-transparent bg-transparent`}
        />
        <div className="flex grow gap-2 md:grow-0">
          <Select aria-label={t('create.songLanguage')} value={language} onChange={(e) => setLanguage(e.target.value)}>
            {kSongLanguages.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </Select>
          <Button type="submit" look="compose" icon={Feather} busy={write.isPending} disabled={!idea.trim()} className="grow">
            {write.isPending ? t('create.writing') : t('create.write')}
          </Button>
        </div>
      </div>
      {write.isError && <Note tone="bad">{sentenceFor(write.error, t)}</Note>}
    </form>
  );
}

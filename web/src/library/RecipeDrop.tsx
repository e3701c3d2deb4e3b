// A song file dropped anywhere opens its recipe in Create.

import { FileMusic } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { draftOf, useDesk } from '../create/draft';
import { toast } from '../ui/toasts';
import { readRecipe } from './recipeFile';

const hasFiles = (e: DragEvent): boolean => [...(e.dataTransfer?.types ?? [])].includes('Files');

export function RecipeDrop() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const enter = (e: DragEvent): void => {
      if (!hasFiles(e)) return;
      depth += 1;
      setOver(true);
    };
    const leave = (e: DragEvent): void => {
      if (!hasFiles(e)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const hold = (e: DragEvent): void => {
      if (hasFiles(e)) e.preventDefault();
    };
    const drop = async (e: DragEvent): Promise<void> => {
      const file = e.dataTransfer?.files[0];
      if (!hasFiles(e)) return;
      e.preventDefault();
      depth = 0;
      setOver(false);
      if (!file) return;
      const recipe = await readRecipe(file).catch(() => null);
      if (!recipe) {
        toast(t('library.noRecipe', { name: file.name }), { tone: 'bad' });
        return;
      }
      const { settings: s } = recipe;
      const undo = useDesk.getState().replace(
        draftOf({
          title: recipe.title,
          lyrics: recipe.lyrics,
          tags: s.tags ?? '',
          max_audio_length_ms: Number(s.max_audio_length_ms),
          temperature: Number(s.temperature),
          topk: Number(s.topk),
          cfg_scale: Number(s.cfg_scale),
          seed: /^\d+$/.test(s.seed ?? '') ? Number(s.seed) : null,
        }),
        'file',
      );
      // The embedding in it cannot be sent; the studio has those only that it made.
      toast(t(s.reference_embedding ? 'like.loadedWithout' : 'library.loaded'), { action: { label: t('ui.undo'), run: undo } });
      void navigate('/create');
    };
    const dropped = (e: DragEvent): void => void drop(e);
    window.addEventListener('dragenter', enter);
    window.addEventListener('dragleave', leave);
    window.addEventListener('dragover', hold);
    window.addEventListener('drop', dropped);
    return () => {
      window.removeEventListener('dragenter', enter);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('dragover', hold);
      window.removeEventListener('drop', dropped);
    };
  }, [navigate, t]);
  if (!over) return null;
  return (
    <div className="animate-fade pointer-events-none fixed inset-0 z-[90] grid place-items-center bg-veil p-6">
      <div className="grid justify-items-center gap-3 rounded-card border-2 border-dashed border-hearttext bg-panel px-12 py-10 text-center shadow-three">
        <FileMusic size={36} aria-hidden className="text-hearttext" />
        <p className="text-lg font-semibold">{t('library.dropHere')}</p>
      </div>
    </div>
  );
}

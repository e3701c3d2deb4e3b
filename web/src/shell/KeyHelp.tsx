import { useTranslation } from 'react-i18next';

import { Sheet } from '../ui/kit';
import { usePanels } from './panels';

function Keys({ keys }: { keys: string[] }) {
  return (
    <span className="flex shrink-0 gap-1">
      {keys.map((key) => (
        <kbd
          key={key}
          className="min-w-7 rounded-md border border-line bg-raised px-1.5 py-0.5 text-center font-[inherit] text-xs text-soft shadow-one"
        >
          {key}
        </kbd>
      ))}
    </span>
  );
}

export function KeyHelp() {
  const { t } = useTranslation();
  const open = usePanels((s) => s.keys);
  const groups: [string, [string[], string][]][] = [
    [
      t('keys.listening'),
      [
        [['Space', 'K'], t('keys.play')],
        [['J'], t('keys.back')],
        [['L'], t('keys.forward')],
        [['N', 'P'], t('keys.nextPrevious')],
        [['M'], t('keys.mute')],
        [['+', '−'], t('keys.volume')],
        [['R', 'S'], t('keys.repeatShuffle')],
        [['E'], t('keys.listeningView')],
      ],
    ],
    [
      t('keys.everywhere'),
      [
        [['Ctrl', 'K'], t('keys.palette')],
        [['/'], t('keys.search')],
        [['G', 'C'], t('keys.toCreate')],
        [['G', 'Q'], t('keys.toQueue')],
        [['G', 'L'], t('keys.toLibrary')],
        [['G', 'S'], t('keys.toSystem')],
        [['?'], t('keys.help')],
      ],
    ],
    [
      t('keys.writing'),
      [
        [['Ctrl', '↵'], t('keys.make')],
        [['X'], t('keys.switch')],
      ],
    ],
  ];
  return (
    <Sheet open={open} onClose={() => usePanels.setState({ keys: false })} title={t('keys.title')}>
      <div className="grid gap-x-8 gap-y-6 p-5 md:grid-cols-2">
        {groups.map(([name, rows]) => (
          <section key={name}>
            <h3 className="mb-2 text-sm text-faint">{name}</h3>
            <ul className="grid grid-cols-1 gap-1.5">
              {rows.map(([keys, what]) => (
                <li key={what} className="flex items-center justify-between gap-4 text-sm">
                  {what}
                  <Keys keys={keys} />
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Sheet>
  );
}

// Words of the page. English comes with the first paint, other languages when they are chosen.

import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';

import { en } from './en';

export const kLanguages = { en: 'English', de: 'Deutsch', es: 'Español', zh: '中文', ja: '日本語', ko: '한국어' } as const;
export type Language = keyof typeof kLanguages;

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: typeof en };
  }
}

type Words<T> = { [K in keyof T]: T[K] extends string ? string : Words<T[K]> };
export type Dictionary = Words<typeof en>;

const loaders: Record<Exclude<Language, 'en'>, () => Promise<Dictionary>> = {
  de: () => import('./de').then((m) => m.de),
  es: () => import('./es').then((m) => m.es),
  zh: () => import('./zh').then((m) => m.zh),
  ja: () => import('./ja').then((m) => m.ja),
  ko: () => import('./ko').then((m) => m.ko),
};

const kKey = 'heart.language';
export const isLanguage = (name: string): name is Language => Object.hasOwn(kLanguages, name);

function firstLanguage(): Language {
  const kept = localStorage.getItem(kKey);
  if (kept && isLanguage(kept)) return kept;
  for (const wanted of navigator.languages ?? []) {
    const name = wanted.split('-')[0]?.toLowerCase() ?? '';
    if (isLanguage(name)) return name;
  }
  return 'en';
}

async function show(language: Language): Promise<void> {
  if (language !== 'en' && !i18next.hasResourceBundle(language, 'translation')) {
    i18next.addResourceBundle(language, 'translation', await loaders[language]());
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

export async function setLanguage(language: Language): Promise<void> {
  localStorage.setItem(kKey, language);
  await show(language);
}

void i18next.use(initReactI18next).init({
  lng: 'en',
  fallbackLng: 'en',
  resources: { en: { translation: en } },
  interpolation: { escapeValue: false },
  returnNull: false,
});

/** Resolves when the words of the chosen language are there; English stays when they cannot be had. */
export const languageReady: Promise<void> = show(firstLanguage()).catch(() => undefined);

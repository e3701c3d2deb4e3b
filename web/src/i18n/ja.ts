import type { Dictionary } from '.';
import { en } from './en';

export const ja: Dictionary = en;

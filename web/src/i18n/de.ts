import type { Dictionary } from '.';
import { en } from './en';

export const de: Dictionary = en;

import type { Dictionary } from '.';
import { en } from './en';

export const ko: Dictionary = en;

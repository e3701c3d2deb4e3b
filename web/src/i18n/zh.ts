import type { Dictionary } from '.';
import { en } from './en';

export const zh: Dictionary = en;

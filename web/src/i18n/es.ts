import type { Dictionary } from '.';
import { en } from './en';

export const es: Dictionary = en;

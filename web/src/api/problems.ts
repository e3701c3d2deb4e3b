// What an error says to people: what happened and what to do.

import type { TFunction } from 'i18next';

import { ApiError } from './client';

export function sentenceFor(error: unknown, t: TFunction): string {
  if (!(error instanceof ApiError)) return t('errors.unknown');
  if (error.status === 0) return t('errors.unreachable');
  if (error.status === 401 && error.message === 'Invalid email or password') return t('errors.wrongPassword');
  if (error.message === 'Email already registered') return t('errors.emailTaken');
  if (error.message === 'Username already taken') return t('errors.nameTaken');
  if (error.faults.some(({ field }) => field === 'reference_id' || field === 'reference_of')) return t('errors.noReference');
  if (error.status === 429) {
    return error.retryAfter === null ? t('errors.tooMany') : t('errors.tooManyFor', { seconds: error.retryAfter });
  }
  if (error.status >= 500 && error.status !== 503) return t('errors.server');
  return error.message;
}

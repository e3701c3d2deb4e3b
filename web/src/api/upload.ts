// A form with a file in it. What fetch cannot tell and people want to know: how much of it has left.

import { sessionToken } from '../account/session';
import { at } from './base';
import { ApiError, faultOf, refusedToken } from './client';

type Options = { signal: AbortSignal; onSent: (share: number) => void };

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** POSTs it. `onSent` gets a share from 0 to 1; the answer may come long after the last byte left. */
export function sendForm<T>(path: string, form: FormData, { signal, onSent }: Options): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    const end = (settle: () => void) => (): void => {
      signal.removeEventListener('abort', stop);
      settle();
    };
    const token = sessionToken();
    request.open('POST', at(path));
    if (token) request.setRequestHeader('Authorization', `Bearer ${token}`);
    request.upload.onprogress = (e) => {
      if (e.lengthComputable && e.total > 0) onSent(e.loaded / e.total);
    };
    request.upload.onload = () => onSent(1);
    request.onload = end(() => {
      const body = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300 && body !== null) {
        resolve(body as T);
        return;
      }
      if (token) refusedToken(request.status, path);
      reject(faultOf(request.status, body, request.getResponseHeader('Retry-After')));
    });
    request.onerror = end(() => reject(new ApiError(0, 'unreachable')));
    request.onabort = end(() => reject(new DOMException('stopped', 'AbortError')));
    if (signal.aborted) {
      reject(new DOMException('stopped', 'AbortError'));
      return;
    }
    signal.addEventListener('abort', stop);
    request.send(form);
  });
}

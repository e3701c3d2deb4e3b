import { describe, expect, it } from 'vitest';

import { EventParser } from '../../src/api/events';
import { applyUpdate, forgetUpdates, learnPace, useMaking, withUpdate } from '../../src/making/jobs';

const update = (more: object) =>
  ({ id: 'a', status: 'processing', progress: 10, total_frames: 100, message: '', phase: 'composing', composed_seconds: 1, rendered_seconds: 0, position: 0, eta_seconds: null, ...more }) as never;

describe('the parser of events', () => {
  it('finds them however the stream is cut', () => {
    const stream = ':\n\ndata: {"a":1}\n\nevent: x\r\ndata:two\r\ndata: lines\r\n\r\nid: 7\n\n';
    for (let cut = 1; cut < stream.length; cut++) {
      const parser = new EventParser();
      const out = [...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))];
      expect(out).toEqual(['{"a":1}', 'two\nlines']);
    }
  });
  it('gives nothing before the empty line', () => expect(new EventParser().push('data: a\n')).toEqual([]));
});

describe('jobs', () => {
  it('that have ended stay ended, whatever arrives late', () => {
    forgetUpdates();
    applyUpdate(update({ status: 'completed', phase: 'ended' }));
    applyUpdate(update({ status: 'processing', progress: 5 }));
    expect(useMaking.getState().updates.a?.status).toBe('completed');
    applyUpdate(update({ status: 'pending', phase: 'waiting', progress: 0 }));
    expect(useMaking.getState().updates.a?.status).toBe('pending');
  });
  it('never go back', () => {
    const job = { id: 'a', status: 'processing', progress: 50, phase: 'composing', composed_seconds: 4 } as never;
    expect(withUpdate(job, update({ progress: 20 }))).toMatchObject({ progress: 50 });
    expect(withUpdate(job, update({ progress: 60 }))).toMatchObject({ progress: 60 });
  });
  it('teach how fast the studio is', () => {
    expect(learnPace(null, 20, 40)).toBe(0.5);
    expect(learnPace(0.5, 40, 40)).toBeCloseTo(0.7);
    expect(learnPace(0.5, 3, 0.5)).toBe(0.5);
  });
});

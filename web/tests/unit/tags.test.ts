import { describe, expect, it } from 'vitest';

import { addTags, groupOf, kGroupNames, kTagGroups, parseTags, toggleTag } from '../../src/create/tags';

describe('tags', () => {
  it('are trimmed, small, each once, in their order', () =>
    expect(parseTags(' Piano , happy,, PIANO ,acoustic   guitar')).toEqual(['piano', 'happy', 'acoustic guitar']));
  it('are parted by the commas of other scripts, too', () => expect(parseTags('民谣，钢琴、温柔')).toEqual(['民谣', '钢琴', '温柔']));
  it('join without a space', () => expect(addTags('piano', 'Happy, warm')).toBe('piano,happy,warm'));
  it('toggle in and out', () => {
    expect(toggleTag('piano,happy', 'piano')).toBe('happy');
    expect(toggleTag('happy', ' Piano')).toBe('happy,piano');
    expect(toggleTag('happy', '  ')).toBe('happy');
  });
  it('of the picker are as the model wants them', () => {
    for (const name of kGroupNames) {
      for (const tag of kTagGroups[name]) {
        expect(parseTags(tag)).toEqual([tag]);
        expect(groupOf(tag)).not.toBeNull();
      }
    }
  });
});

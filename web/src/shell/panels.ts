import { create } from 'zustand';

/** Which of the panels that lie over every page are open. */
export const usePanels = create<{ palette: boolean; keys: boolean }>(() => ({ palette: false, keys: false }));

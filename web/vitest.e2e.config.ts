import { defineConfig } from 'vitest/config';

// Two at a time: each drives a browser, and one of them a studio that makes songs. What is measured runs alone.
export default defineConfig({
  test: {
    environment: 'node',
    include: ['tests/e2e/**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: 900_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
  },
});

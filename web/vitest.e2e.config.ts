import { defineConfig } from 'vitest/config';

// One after the other: each drives a browser, and some a studio that makes songs.
export default defineConfig({
  test: {
    environment: 'node',
    include: ['tests/e2e/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 120_000,
  },
});

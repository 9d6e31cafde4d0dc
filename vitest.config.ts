import { defineConfig } from 'vitest/config';

// unit tests and the simulation read the sources; every other project imports `millrace` by name, that is the built package,
// so what is tested is what ships (npm test builds first).
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/tidy.test.ts', 'test/history/**/*.test.ts'],
          isolate: false,
        },
      },
      { test: { name: 'conformance', include: ['test/conformance/**/*.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'model', include: ['test/model/**/*.test.ts'], testTimeout: 300_000 } },
      {
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          testTimeout: 600_000,
          // They wait for nothing.
          maxWorkers: 2,
        },
      },
      { test: { name: 'integration', include: ['test/integration/**/*.test.ts'], testTimeout: 30_000 } },
      { test: { name: 'faults', include: ['test/faults/**/*.test.ts'], testTimeout: 180_000 } },
      {
        test: {
          name: 'powerloss',
          include: ['test/powerloss/**/*.test.ts'],
          testTimeout: 3_600_000,
          // Thousands of images by each file, and nothing in them depends on time.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Most of their time they wait for other processes.
          maxWorkers: 2,
        },
      },
    ],
  },
});

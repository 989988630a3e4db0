import { defineConfig } from '@playwright/test';

// Debian's chromium, started as root in CI: without its own sandbox, without calls home.
const chromium = {
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

export default defineConfig({
  testDir: './tests',
  globalSetup: './server.ts',
  projects: [
    { name: 'whole way', testMatch: 'whole-way.spec.ts' },
    { name: 'kernels', testMatch: ['kernels.spec.ts', 'release-of-kernels.spec.ts'], dependencies: ['whole way'] },
    { name: 'variants', testMatch: 'variants.spec.ts', dependencies: ['whole way'] },
    { name: 'proof', testMatch: 'variant-proof.spec.ts', dependencies: ['whole way'] },
    {
      name: 'results',
      testMatch: ['results.spec.ts', 'plans.spec.ts', 'review.spec.ts', 'published.spec.ts'],
      dependencies: ['whole way'],
    },
    { name: 'machines', testMatch: 'machines.spec.ts', dependencies: ['whole way'] },
    { name: 'guests', testMatch: 'guest.spec.ts', dependencies: ['proof'] },
    // On what the others left behind; `--no-deps` goes on with a server that has it already.
    {
      name: 'pages',
      testMatch: ['every-page.spec.ts', 'programs.spec.ts', 'recipe-form.spec.ts', 'room.spec.ts'],
      dependencies: ['whole way', 'guests', 'kernels', 'variants', 'results', 'machines'],
    },
  ],
  outputDir: './test-results',
  reporter: [['list']],
  forbidOnly: true,
  retries: 0,
  // One server with real builds serves all tests; they run one after the other.
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    browserName: 'chromium',
    launchOptions: chromium,
    reducedMotion: 'reduce',
    trace: 'retain-on-failure',
    viewport: { width: 1440, height: 900 },
  },
});

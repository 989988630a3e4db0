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
  outputDir: './test-results',
  reporter: [['list']],
  forbidOnly: true,
  retries: 0,
  // One server with one real build serves all stories; they run one after the other.
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    browserName: 'chromium',
    launchOptions: chromium,
    reducedMotion: 'reduce',
    trace: 'retain-on-failure',
    viewport: { width: 1440, height: 900 },
  },
});

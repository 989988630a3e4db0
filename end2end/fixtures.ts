// What all browser tests share: the server that the set-up started, and pages that may not complain.
import { test as base, expect, type BrowserContext, type Page } from '@playwright/test';
import { running, type Running } from './server';

export { expect };

export const password = 'correct horse battery';

/** Fails on whatever a page writes to the console as an error, but for what a test announced. */
export class Complaints {
  private readonly seen: string[] = [];
  private readonly announced: RegExp[] = [];

  watch(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error') this.seen.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.seen.push(`${page.url()}: ${error.message}`));
  }

  /** The browser itself reports every answer of 400 and above. */
  announce(status: number): void {
    this.announced.push(new RegExp(`status of ${status}`));
  }

  unexpected(): string[] {
    return this.seen.filter((text) => !this.announced.some((known) => known.test(text)));
  }
}

// A build and a boot take as long as they take; each wait names its own condition.
export const aBuild = 15 * 60_000;
export const aBoot = 10 * 60_000;

type Fixtures = { server: Running; complaints: Complaints; checked: void };

export const test = base.extend<Fixtures>({
  server: async ({}, use) => use(running()),
  baseURL: async ({ server }, use) => use(server.dashboard),
  complaints: async ({}, use) => use(new Complaints()),
  checked: [
    async ({ complaints, context }, use) => {
      context.on('page', (page) => complaints.watch(page));
      await use();
      expect(complaints.unexpected(), 'nothing complained on the console').toEqual([]);
    },
    { auto: true },
  ],
});

/** A page is live when its islands have started. */
export async function live(page: Page): Promise<void> {
  await expect(page.locator('body[data-hydrated]')).toBeAttached();
}

export async function signIn(context: BrowserContext, name: string): Promise<Page> {
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto('/login');
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  return page;
}

/** The state that stands beside the heading of a page. */
export const state = (page: Page) => page.locator('.page-title .badge').first();

/** Opens a part of the form of a recipe or a variant. */
export const openPart = (page: Page, part: string) =>
  page.locator(`#form-${part}`).evaluate((details: HTMLDetailsElement) => void (details.open = true));

/** What the terminal of a guest shows. */
export const screen = (page: Page) => page.locator('.xterm-rows');

/** Types into the terminal of a guest, as a person does. */
export async function type(page: Page, keys: string): Promise<void> {
  await page.locator('.screen').click();
  await page.keyboard.type(`${keys}\n`);
}

/** Waits on the job's page, which renews itself, until the job ended well; prints what its steps did. */
export async function jobSucceeds(page: Page, timeout: number): Promise<void> {
  await live(page);
  await expect(state(page)).toHaveText(/succeeded|failed|cancelled/, { timeout });
  const steps = await page.locator('.steps > li').allInnerTexts();
  console.log(`${page.url()}\n${steps.map((step) => `  ${step.replace(/\s+/g, ' ')}`).join('\n')}`);
  await expect(state(page)).toHaveText('succeeded');
}

export async function validate(page: Page, version: string, timeout: number): Promise<void> {
  await page.goto(`/releases/${version}/tests`);
  await page.getByRole('button', { name: 'Validate on a QEMU machine' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Validation of ${version}`);
  await jobSucceeds(page, timeout);
}
